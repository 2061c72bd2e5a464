import { BadOptionsError } from '../errors.js'

/** What is handy in a test is a hole, or swallows mails, anywhere else. */
export function refuseInProduction (what: string): void {
  if (process.env.NODE_ENV === 'production') throw new BadOptionsError(`${what} of fastify-users/testing is for tests alone: it refuses to work where NODE_ENV is production`)
}
