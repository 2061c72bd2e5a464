export type { ContractCase } from './contract-case.js'
export { strategyContract } from './strategy-contract.js'
export { transportContract } from './transport-contract.js'
export { revocationStoreContract, userStoreContract } from './user-store-contract.js'
