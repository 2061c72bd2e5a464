// Routes and users' own fields in Zod: one schema that checks, and types request.body, request.user and the replies.
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import fastifyUsers, { bearer, memory, opaque, type FastifyUsersOptions, type ObjectSchema } from 'fastify-users'
import { z } from 'zod'

const fields = z.object({
  nickname: z.string().min(1).max(40),
  // Users see it, and cannot set it.
  plan: z.enum(['free', 'pro']).default('free').meta({ readOnly: true })
})

// Once in the program: what users have, and what need not be given when one is created.
declare module 'fastify-users' {
  interface Register {
    fields: z.output<typeof fields>
    defaults: 'plan'
  }
}

const note = z.object({
  title: z.string().trim().min(1).max(100),
  stars: z.int().min(1).max(5).optional()
})

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify().withTypeProvider<ZodTypeProvider>()
  // For the routes of the app. Those of the plugin have compilers of their own.
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)

  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [bearer()],
    routes: { register: true, me: true },
    // The plugin takes JSON schema, as it is before defaults are filled in.
    fields: z.toJSONSchema(fields, { target: 'draft-7', io: 'input' }) as ObjectSchema,
    ...settings
  })

  app.post('/notes', {
    onRequest: app.authenticate(),
    schema: { body: note, response: { 201: note.extend({ author: z.string() }) } }
  }, async ({ body, user }, reply) => {
    // body.title is a string, body.stars a number or undefined, user.nickname a string: no cast, no check.
    reply.code(201)
    return { ...body, author: user.nickname }
  })

  app.get('/export', {
    onRequest: app.authenticate(),
    schema: { querystring: z.object({ format: z.enum(['csv', 'json']).default('json') }) }
  }, async ({ query, user }, reply) => {
    if (user.plan === 'pro') return { format: query.format, notes: [] }
    reply.code(402)
    return { message: 'The export is a part of the plan "pro".' }
  })

  // What is not named here does not leave by this route.
  app.get('/whoami', {
    onRequest: app.authenticate(),
    schema: { response: { 200: fields.extend({ id: z.string(), email: z.string() }) } }
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
  curl -i -H "authorization: Bearer $TOKEN" ${json} -d '{"title":"  Milk ","stars":4}' ${url}/notes     # 201, trimmed
  curl -i -H "authorization: Bearer $TOKEN" ${json} -d '{"title":"Milk","stars":9}' ${url}/notes     # 400
  curl -i -H "authorization: Bearer $TOKEN" ${url}/export     # 402
  curl -i -H "authorization: Bearer $TOKEN" ${url}/whoami     # 200

Ctrl-C ends it.`)
}
