// What every app is tried with.
import { equal, match } from 'node:assert/strict'
import { appendFileSync } from 'node:fs'

export const ann = { email: 'ann@example.com', password: 'correct horse battery staple' }

/** Runs one check after the other. Each notes that it is there, and that it has run to its end: what has run nothing has not passed. */
export async function run (checks) {
  for (let number = 0; number < Object.keys(checks).length; number++) note('wanted')
  for (const [name, check] of Object.entries(checks)) {
    await check()
    note('ran')
    console.log(`ok  ${name}`)
  }
}

/** Nobody gets in without a credential; Ann logs in, is known, logs out, and is not known any more. What the guarded route answered. */
export async function journey (app, { backend = 'bearer', prefix = '', url = '/me', user = ann } = {}) {
  const me = (headers = {}) => app.inject({ url, headers })
  equal((await me()).statusCode, 401, 'without a credential')
  equal((await app.inject({ method: 'POST', url: `${prefix}/login/${backend}`, payload: { ...user, password: 'wrong horse' } })).statusCode, 400, 'a wrong password')

  const login = await app.inject({ method: 'POST', url: `${prefix}/login/${backend}`, payload: user })
  equal(login.statusCode, 200, login.body)
  const headers = backend === 'cookie' ? { cookie: cookieOf(login), 'x-requested-with': 'test' } : { authorization: `Bearer ${login.json().access_token}` }
  const known = await me(headers)
  equal(known.statusCode, 200, known.body)
  match(known.body, new RegExp(user.email))

  equal((await app.inject({ method: 'POST', url: `${prefix}/logout/${backend}`, headers })).statusCode, 200)
  equal((await me(headers)).statusCode, 401, 'what was logged out')
  return known
}

export function cookieOf (reply) {
  return [reply.headers['set-cookie']].flat().map((cookie) => cookie.replace(/;.*/, '')).join('; ')
}

function note (line) {
  appendFileSync(process.env.NOTES, `${line} ${process.version}\n`)
}
