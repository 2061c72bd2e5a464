// A contender that lets everybody in is fast: before anything is measured, each shows that it does its work.
import { tampered } from './requests.js'

/**
 * @param guard `'none'`, `'optional'` or `'required'`
 * @throws if the server answers a good, a missing or a tampered credential otherwise than it should
 */
export async function check (name, { port, credentials }, guard) {
  const ask = async ({ header, value } = {}) => {
    const headers = header === undefined ? {} : { [header]: value }
    const response = await fetch(`http://127.0.0.1:${port}/me`, { headers, signal: AbortSignal.timeout(10_000) })
    return { status: response.status, body: response.status === 200 ? await response.json() : await response.text() }
  }
  const expect = (what, wanted, got) => {
    if (got !== wanted) throw new Error(`${name}: expected ${wanted} for ${what}, got ${got}`)
  }
  const expectUser = (what, { status, body }) => {
    expect(what, 200, status)
    expect(`the members of the user for ${what}`, 7, Object.keys(body).length)
  }

  if (guard === 'required') expect('no credential', 401, (await ask()).status)
  else expectUser('no credential', await ask())
  if (guard === 'none') return

  expect('at least 100 credentials', true, new Set(credentials.map(({ value }) => value)).size >= 100)
  for (const credential of [credentials[0], credentials.at(-1)]) {
    const answer = await ask(credential)
    expectUser('a good credential', answer)
    expect('the user of the credential', credential.email, answer.body.email)
    expect('a tampered credential', 401, (await ask(tampered(credential))).status)
  }
}
