// An app and its tests, by the kit `fastify-users/testing` and Node's own test runner: users, logins, mails and time, without a server.
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyUsers, { cookie, memory, opaque, type FastifyUsersOptions } from 'fastify-users'
import { cheapHashes, createUser, loginAs, testClock, testMailer } from 'fastify-users/testing'

/** What differs between production and tests comes from outside. */
export type Settings = Pick<FastifyUsersOptions, 'users' | 'passwords' | 'mails' | 'clock'>

export async function buildApp (settings: Settings): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(fastifyUsers, {
    strategy: opaque({ lifetimeSeconds: 3600 }),
    backends: [cookie()],
    routes: { register: true, verify: true },
    ...settings
  })

  const posts: Array<{ author: string, text: string }> = []
  app.get('/posts', async () => posts)
  app.post<{ Body: { text: string } }>('/posts', { onRequest: app.authenticate({ verified: true }) }, async ({ body, user }, reply) => {
    const post = { author: user.id, text: body.text }
    posts.push(post)
    reply.code(201)
    return post
  })
  app.delete('/posts', { onRequest: app.authenticate({ superuser: true }) }, async (_request, reply) => {
    posts.length = 0
    reply.code(204)
  })
  return app
}

async function setUp (t: TestContext) {
  const mailer = testMailer()
  const clock = testClock()
  const app = await buildApp({ users: memory(), passwords: cheapHashes, mails: { mailer }, clock })
  t.after(() => app.close())
  return { app, mailer, clock }
}

// Run directly, this file is its tests. Yours stand in a file of their own, and this line is not there.
if (process.argv[1] === import.meta.filename) {
  test('who is logged in writes a post, in their own name', async (t) => {
    const { app } = await setUp(t)
    const ann = await createUser(app, { isVerified: true })
    const headers = await loginAs(app, ann)

    const reply = await app.inject({ method: 'POST', url: '/posts', headers, payload: { text: 'hello', author: 'somebody else' } })
    assert.equal(reply.statusCode, 201)
    assert.deepEqual(reply.json(), { author: ann.id, text: 'hello' })
  })

  // What is refused is as important as what works, and is forgotten more easily.
  test('nobody else does', async (t) => {
    const { app } = await setUp(t)
    const strangers = {
      nobody: { headers: {}, status: 401 },
      'a made-up cookie': { headers: { cookie: 'fastifyusersauth=made-up' }, status: 401 },
      'an unverified user': { headers: await loginAs(app, await createUser(app)), status: 403 },
      'a page of another site': { headers: { ...await loginAs(app, await createUser(app, { isVerified: true })), 'sec-fetch-site': 'cross-site' }, status: 403 }
    }
    for (const [who, { headers, status }] of Object.entries(strangers)) {
      const reply = await app.inject({ method: 'POST', url: '/posts', headers, payload: { text: 'hello' } })
      assert.equal(reply.statusCode, status, who)
    }
    assert.deepEqual((await app.inject('/posts')).json(), [])
  })

  test('only superusers delete posts', async (t) => {
    const { app } = await setUp(t)
    const user = await loginAs(app, await createUser(app, { isVerified: true }))
    const superuser = await loginAs(app, await createUser(app, { isSuperuser: true }))
    assert.equal((await app.inject({ method: 'DELETE', url: '/posts', headers: user })).statusCode, 403)
    assert.equal((await app.inject({ method: 'DELETE', url: '/posts', headers: superuser })).statusCode, 204)
  })

  test('who registers is mailed a link, and may write once it is followed', async (t) => {
    const { app, mailer } = await setUp(t)
    const bo = { email: 'bo@example.com', password: 'staple battery horse' }
    await app.inject({ method: 'POST', url: '/register', payload: bo })

    // The mail leaves a moment after the reply: it is waited for, and nobody sleeps.
    const { token } = await mailer.next({ to: bo.email })
    await app.inject({ method: 'POST', url: '/verify', payload: { token } })

    const headers = await loginAs(app, bo, { password: bo.password })
    assert.equal((await app.inject({ method: 'POST', url: '/posts', headers, payload: { text: 'hello' } })).statusCode, 201)
  })

  test('a session ends after an hour', async (t) => {
    const { app, clock } = await setUp(t)
    const headers = await loginAs(app, await createUser(app, { isVerified: true }))
    const write = () => app.inject({ method: 'POST', url: '/posts', headers, payload: { text: 'hello' } })

    clock.advanceSeconds(3599)
    assert.equal((await write()).statusCode, 201)
    clock.advanceSeconds(1)
    assert.equal((await write()).statusCode, 401)
  })
}
