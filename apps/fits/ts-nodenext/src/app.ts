import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, type User } from 'fastify-users'

declare module 'fastify-users' {
  interface Register {
    fields: { nickname: string, age?: number }
    backend: 'cookie' | 'bearer'
  }
}

const fields = {
  type: 'object',
  properties: { nickname: { type: 'string' }, age: { type: 'integer' } },
  required: ['nickname']
} as const

export async function buildApp (): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, { users: memory(), strategy: opaque(), backends: [cookie(), bearer()], fields })

  app.get('/me', { preHandler: app.authenticate() }, async ({ user }) => ({ email: user.email, nickname: user.nickname.toUpperCase() }))
  app.get<{ Params: { id: string } }>('/greet/:id', { preHandler: app.authenticate({ optional: true }) }, async ({ params, auth }) => {
    return `${auth?.user.nickname ?? 'stranger'} greets ${params.id.toLowerCase()}`
  })
  return app
}

export function mistakes (app: FastifyInstance, user: User): void {
  // @ts-expect-error: there is no such field
  app.get('/wrong', { preHandler: app.authenticate() }, async (request) => request.user.nickName)
  // @ts-expect-error: there is no such backend
  app.authenticate({ backends: ['basic'] })
  // @ts-expect-error: a nickname is needed
  app.users.create({ email: 'bo@example.com', password: 'correct horse battery staple' })
  // @ts-expect-error: a user is changed by app.users
  user.isSuperuser = true
  // @ts-expect-error: an age is a number
  app.users.create({ email: 'bo@example.com', password: 'correct horse battery staple', nickname: 'Bo', age: '7' })
}
