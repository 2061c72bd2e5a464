// A site and an admin area with cookies of their own, and an API with bearer tokens: three backends, and guards that name them.
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { bearer, cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'

const production = process.env.NODE_ENV === 'production'

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    users: memory(),
    strategy: opaque(),
    backends: [
      // Months on one's own laptop.
      cookie({
        name: 'site',
        cookieName: production ? '__Host-site' : 'site',
        cookieSecure: production,
        rememberSeconds: 90 * 24 * 3600
      }),
      // A quarter of an hour, and never with a link from elsewhere.
      cookie({
        name: 'admin',
        cookieName: production ? '__Host-admin' : 'admin',
        cookieSecure: production,
        cookieSameSite: 'strict',
        lifetimeSeconds: 900,
        requireVerified: true
      }),
      // For programs.
      bearer({ name: 'api', lifetimeSeconds: 3600 })
    ],
    ...settings
  })

  // The cookie of the site alone.
  app.get('/account', { onRequest: app.authenticate({ backends: ['site'] }) }, async ({ user }) => ({ email: user.email }))

  // The cookie of the admin area alone, and who has it must be a superuser.
  await app.register(async (admin) => {
    admin.addHook('onRequest', admin.authenticate({ backends: ['admin'], superuser: true }))
    admin.get('/', async ({ user }) => `Careful, ${user.email}.`)
    admin.post('/maintenance', async () => ({ maintenance: true }))
  }, { prefix: '/admin' })

  // Bearer tokens alone: a cookie opens nothing here, so no page of another site can do anything.
  await app.register(async (api) => {
    api.addHook('onRequest', api.authenticate({ backends: ['api'] }))
    api.post('/notes', async ({ user }, reply) => {
      reply.code(201)
      return { author: user.id }
    })
  }, { prefix: '/api' })

  // Whoever is logged in, by whatever backend; request.auth tells by which.
  app.get('/me', { onRequest: app.authenticate() }, async ({ auth, user }) => ({ email: user.email, by: auth?.backend }))
  return app
}

if (process.argv[1] === import.meta.filename) {
  const app = await buildApp()
  const root = { email: 'root@example.com', password: 'correct horse battery staple' }
  await app.users.create({ ...root, isVerified: true, isSuperuser: true })
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const login = `-H 'content-type: application/json' -d '${JSON.stringify(root)}'`
  console.log(`Paste these into another terminal, line by line:

  curl -i -c site.txt ${login} ${url}/login/site     # 200
  curl -i -b site.txt ${url}/account     # 200
  curl -i -b site.txt ${url}/admin     # 401: the cookie of the site is none of the admin area

  curl -i -c admin.txt ${login} ${url}/login/admin     # 200
  curl -i -b admin.txt ${url}/admin     # 200
  curl -i -b admin.txt ${url}/account     # 401

  TOKEN=$(curl -s ${login} ${url}/login/api | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
  curl -i -X POST -H "authorization: Bearer $TOKEN" ${url}/api/notes     # 201
  curl -i -X POST -b site.txt -H 'x-requested-with: curl' ${url}/api/notes     # 401
  curl -i -b site.txt -b admin.txt ${url}/me     # 200, by the first backend that knows the user

  curl -i -X POST -b admin.txt -H 'x-requested-with: curl' ${url}/logout/admin     # 200
  curl -i -b admin.txt ${url}/admin     # 401
  curl -i -b site.txt ${url}/account     # 200: the session of the site goes on

Ctrl-C ends it.`)
}
