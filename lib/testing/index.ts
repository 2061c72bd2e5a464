/**
 * For the tests of apps, and of stores, strategies and transports of your own.
 *
 * @module fastify-users/testing
 */
export type { ContractCase } from './contract-case.js'
export { cheapHashes, createUser, testPassword, type NewTestUser } from './create-user.js'
export { loginAs, type LoginAsOptions, type Presented } from './login-as.js'
export { rateLimitStoreContract } from './rate-limit-store-contract.js'
export type { RateLimitStoreTraits } from './rate-limit-store-contract.js'
export { revocationStoreContract } from './revocation-store-contract.js'
export { sessionStoreContract } from './session-store-contract.js'
export type { SessionStoreTraits } from './session-store-contract.js'
export { strategyContract } from './strategy-contract.js'
export type { TestApp, TestReply } from './test-app.js'
export { testClock, type TestClock } from './test-clock.js'
export { testMailer, type TestMail, type TestMailer } from './test-mailer.js'
export { transportContract } from './transport-contract.js'
export { userStoreContract } from './user-store-contract.js'
