import type { ObjectSchema } from '../../schemas/user.js'

/** The members of a body that its schema names, and no others: what an application added for its own hooks goes no further. */
export function pick<T> (body: unknown, { properties }: Pick<ObjectSchema, 'properties'>): T {
  return Object.fromEntries(Object.entries(body as object).filter(([name]) => Object.hasOwn(properties, name))) as T
}
