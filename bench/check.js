// A contender that lets everybody in is fast: before anything is measured, each shows that it does its work.

/** @throws if the server answers a good, a missing or a tampered credential otherwise than it should */
export async function check (name, { port, credentials }, guarded) {
  const ask = async ({ header, value } = {}) => {
    const headers = header === undefined ? {} : { [header]: value }
    const response = await fetch(`http://127.0.0.1:${port}/me`, { headers, signal: AbortSignal.timeout(10_000) })
    return { status: response.status, body: await response.json() }
  }
  const expect = (what, wanted, got) => {
    if (got !== wanted) throw new Error(`${name}: expected ${wanted} for ${what}, got ${got}`)
  }

  if (!guarded) {
    const { status, body } = await ask()
    expect('no credential', 200, status)
    expect('the members of the user', 7, Object.keys(body).length)
    return
  }

  expect('at least 100 credentials', true, new Set(credentials.map(({ value }) => value)).size >= 100)
  for (const credential of [credentials[0], credentials.at(-1)]) {
    const { status, body } = await ask(credential)
    expect('a good credential', 200, status)
    expect('the user of the credential', credential.email, body.email)
    expect('the members of the user', 7, Object.keys(body).length)
    expect('a tampered credential', 401, (await ask(tampered(credential))).status)
  }
  expect('no credential', 401, (await ask()).status)
}

/** One letter in the midst of the signature is another. The last one would not do: it has bits that count for nothing. */
function tampered ({ header, value }) {
  const at = value.length - 20
  return { header, value: value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1) }
}
