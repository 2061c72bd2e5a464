// Sessions on the server: the cookie holds a random token, all else stands in SQLite, and what is ended there has ended.
// Start it by `npm run learn -- session-store`, then paste the curl lines that it prints.
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, opaque, type FastifyUsersOptions } from 'fastify-users'
import { sqlite } from 'fastify-users/sql'
import Database from 'libsql'

const production = process.env.NODE_ENV === 'production'
const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }

export async function buildApp (settings: Partial<FastifyUsersOptions> = {}): Promise<FastifyInstance> {
  const app = Fastify()
  const database = new Database(process.env.DATABASE ?? ':memory:')
  app.addHook('onClose', async () => { database.close() })

  await app.register(fastifyUsers, {
    users: await sqlite(database),
    // A session ends after thirty days, or when it was not used for a week.
    strategy: opaque({ lifetimeSeconds: 30 * 24 * 3600, idleSeconds: 7 * 24 * 3600 }),
    backends: [cookie({ cookieName: production ? '__Host-session' : 'session', cookieSecure: production })],
    // GET /sessions, DELETE /sessions/:id, DELETE /sessions
    routes: { sessions: true },
    ...settings
  })
  if (await app.users.getByEmail(ann.email) === null) await app.users.create(ann)

  // Data of the app: in a table of its own, by the user's id. The cookie does not grow with it.
  database.exec('create table if not exists basket (user_id text not null, item text not null)')
  const [add, all] = [database.prepare('insert into basket values (?, ?)'), database.prepare('select item from basket where user_id = ? limit 100')]
  const body = { type: 'object', required: ['item'], properties: { item: { type: 'string', minLength: 1, maxLength: 100 } } }

  app.post<{ Body: { item: string } }>('/basket', { onRequest: app.authenticate(), schema: { body } }, async ({ user, body }, reply) => {
    add.run(user.id, body.item)
    reply.code(201)
    return { added: body.item }
  })
  app.get('/basket', { onRequest: app.authenticate() }, async ({ user }) => (all.all(user.id) as Array<{ item: string }>).map(({ item }) => item))

  // To look behind the curtain, in this tutorial alone: what the store has of a session.
  app.get('/row', { onRequest: app.authenticate() }, async ({ auth }) => database.prepare('select * from fastify_users_sessions where id = ?').all(auth?.session.id)[0])
  return app
}

if (process.argv[1] === import.meta.filename) {
  // A new file is for nobody else's eyes. With a path instead of a handle, sqlite() sees to that.
  process.umask(0o077)
  const app = await buildApp()
  const url = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
  const json = "-H 'content-type: application/json'"
  const login = `${json} -d '${JSON.stringify(ann)}' ${url}/login/cookie`
  console.log(`Paste these into another terminal, line by line: a laptop and a phone.

  curl -i -c laptop.txt ${login}     # 200, Set-Cookie with a random token
  curl -i -c phone.txt ${login}     # 200, another token
  curl -i -b laptop.txt ${json} -d '{"item":"tea"}' ${url}/basket     # 201
  curl -i -b phone.txt ${url}/basket     # 200, tea: the data are the user's, on the server
  curl -i -b laptop.txt ${url}/row     # 200, the row of the session: digests, no token
  curl -i -b laptop.txt ${url}/sessions     # 200, both sessions
  curl -i -b laptop.txt -X DELETE -H 'x-requested-with: curl' ${url}/sessions     # 204, all others end
  curl -i -b phone.txt ${url}/basket     # 401: the phone still has its cookie, and it opens nothing

Ctrl-C ends it.`)
}
