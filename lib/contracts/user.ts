/**
 * What the application tells the compiler about its users, once:
 *
 * ```ts
 * declare module 'fastify-users' {
 *   interface Register {
 *     // what a user has beside the columns of BaseUser
 *     fields: { nickname: string, plan: string }
 *     // the names of those that have a default: `users.create` need not be given them
 *     defaults: 'plan'
 *     // the names of the registered backends
 *     backend: 'cookie' | 'api'
 *   }
 * }
 * ```
 *
 * All keys are optional: without `fields` a user is a {@link BaseUser}, without `backend` a name is any string. An
 * application that has an `app.authenticate` or `app.users` of its own, and gave ours other names, puts the types of its
 * own under `authenticate` and `users` here.
 */
export interface Register {}

/** The fields that the application added to its users. */
export type UserFields = Register extends { fields: infer Fields extends object } ? Fields : unknown

/** The names of fields that have a default: the type of a schema does not tell. */
export type DefaultedField = Register extends { defaults: infer Name extends string } ? Name & keyof UserFields : never

/** The names of the application's backends. */
export type BackendName = Register extends { backend: infer Name extends string } ? Name : string

/** What every user has, as it goes over the wire. */
export interface BaseUser {
  /** UUID version 7 (RFC 9562): later users have greater ids. */
  readonly id: string
  /** As it was given; two users never have addresses that differ in case alone. */
  readonly email: string
  /** `false`: the user cannot log in, and every session of theirs is refused from then on. */
  readonly isActive: boolean
  /** The user has proved that the address is theirs. */
  readonly isVerified: boolean
  /** May do everything, to everybody. */
  readonly isSuperuser: boolean
  /** ISO 8601, UTC, with milliseconds. */
  readonly createdAt: string
  /** ISO 8601, UTC, with milliseconds. */
  readonly updatedAt: string
}

/** The type of `request.user`: a {@link BaseUser} with the application's own fields. It never holds the password's hash. */
export type User = BaseUser & UserFields
