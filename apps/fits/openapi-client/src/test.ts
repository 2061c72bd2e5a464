import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { run } from '../shared/journey.mjs'
import { connect } from './client.js'
import { addresses } from './list.js'

const { api, logIn } = connect(process.env['API_URL'] ?? '')
const demo = { email: 'demo@example.com', password: 'correct horse battery staple' }

await run({
  'refused, with an error of a known shape': async () => {
    const { data, error, response } = await api.GET('/users/me')
    equal(data, undefined)
    equal(response.status, 401)
    equal(error?.code, 'UNAUTHORIZED')
    const message: string | undefined = error?.message
    equal(message, 'Authentication is required.')
    await rejects(logIn(demo.email, 'wrong horse'), /LOGIN_BAD_CREDENTIALS/)
    await rejects(addresses(api), /Authentication is required/)
  },
  'logged in': async () => {
    await logIn(demo.email, demo.password)
    const { data } = await api.GET('/users/me')
    const email: string | undefined = data?.email
    equal(email, demo.email)
    equal(data?.isSuperuser, true)
    // @ts-expect-error: there is no such field
    equal(data?.nickname, undefined)
    equal((await api.GET('/me')).data?.email, demo.email)
  },
  'a list, with a query and a path': async () => {
    for (const email of ['ann@example.com', 'bo@example.com']) {
      equal((await api.POST('/users', { body: { email, password: demo.password } })).response.status, 201)
    }
    const { data } = await api.GET('/users', { params: { query: { limit: 2 } } })
    deepEqual(data?.items.map(({ email }) => email), [demo.email, 'ann@example.com'])
    ok(data?.nextCursor)
    deepEqual(await addresses(api, 1), [demo.email, 'ann@example.com', 'bo@example.com'])
    const id = data.items[1]?.id ?? ''
    equal((await api.PATCH('/users/{id}', { params: { path: { id } }, body: { isVerified: true } })).data?.isVerified, true)
    equal((await api.DELETE('/users/{id}', { params: { path: { id } } })).response.status, 204)
    const gone = await api.GET('/users/{id}', { params: { path: { id } } })
    equal(gone.error?.statusCode, 404)
  },
  'what does not compile': async () => {
    // @ts-expect-error: there is no such route
    await api.GET('/user/me')
    // @ts-expect-error: a limit is a number
    const { response } = await api.GET('/users', { params: { query: { limit: 'two' } } })
    equal(response.status, 400)
    // @ts-expect-error: an address is a text
    equal((await api.POST('/forgot-password', { body: { email: 7 } })).response.status, 400)
  },
  'logged out': async () => {
    equal((await api.POST('/logout/bearer')).response.status, 200)
    equal((await api.GET('/users/me')).response.status, 401)
  }
})
