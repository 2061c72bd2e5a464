// Routes and users' own fields in TypeBox: one schema that checks, and types request.body, request.user and the replies.
import { Type, type Static, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, memory, opaque, userSchema, type FastifyUsersOptions } from 'fastify-users'

const fields = Type.Object({
  nickname: Type.String({ minLength: 1, maxLength: 40 }),
  // Users see it, and cannot set it.
  plan: Type.Union([Type.Literal('free'), Type.Literal('pro')], { default: 'free', readOnly: true })
})

// Once in the program: what users have, and what need not be given when one is created.
declare module 'fastify-users' {
  interface Register {
    fields: Static<typeof fields>
    defaults: 'plan'
  }
}

const Note = Type.Object({
  title: Type.String({ minLength: 1, maxLength: 100 }),
  stars: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 }))
})

const WrittenNote = Type.Intersect([Note, Type.Object({ author: Type.String() })])

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [bearer()],
    routes: { register: true, me: true },
    fields,
    ...settings
  })

  app.post('/notes', {
    onRequest: app.authenticate(),
    schema: { body: Note, response: { 201: WrittenNote } }
  }, async ({ body, user }, reply) => {
    // body.title is a string, body.stars a number or undefined, user.nickname a string: no cast, no check.
    reply.code(201)
    return { ...body, author: user.nickname }
  })

  app.get('/export', {
    onRequest: app.authenticate(),
    schema: { querystring: Type.Object({ format: Type.Union([Type.Literal('csv'), Type.Literal('json')], { default: 'json' }) }) }
  }, async ({ query, user }, reply) => {
    if (user.plan === 'pro') return { format: query.format, notes: [] }
    reply.code(402)
    return { message: 'The export is a part of the plan "pro".' }
  })

  // A schema for a user with these fields: nothing else of a user leaves by this route.
  app.get('/whoami', {
    onRequest: app.authenticate(),
    schema: { response: { 200: userSchema(fields) } }
  }, async ({ user }) => user)
  return app
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const zoe = { email: 'zoe@example.com', password: 'correct horse battery staple', nickname: 'Zoë' }
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const json = "-H 'content-type: application/json'"
  console.log(`Paste these into another terminal, line by line:

  curl -i ${json} -d '${JSON.stringify({ ...zoe, nickname: '' })}' ${url}/register     # 400
  curl -i ${json} -d '${JSON.stringify({ ...zoe, plan: 'pro' })}' ${url}/register     # 201, and the plan is "free"
  TOKEN=$(curl -s ${json} -d '${JSON.stringify(zoe)}' ${url}/login/bearer | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -H "authorization: Bearer $TOKEN" ${json} -d '{"title":"Milk","stars":4}' ${url}/notes     # 201
  curl -i -H "authorization: Bearer $TOKEN" ${json} -d '{"title":"Milk","stars":9}' ${url}/notes     # 400
  curl -i -H "authorization: Bearer $TOKEN" ${url}/export     # 402
  curl -i -H "authorization: Bearer $TOKEN" ${url}/whoami     # 200

Ctrl-C ends it.`)
}
