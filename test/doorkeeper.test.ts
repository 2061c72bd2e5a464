import { randomBytes } from 'node:crypto'
import t from 'tap'
import { createDoorkeeper } from '../lib/doorkeeper.js'

const aToken = (): string => randomBytes(48).toString('base64url')

t.test('a token is known when it comes again, and by no other keeper', async (t) => {
  const [comesAgain, other] = [createDoorkeeper(), createDoorkeeper()]
  const [one, two] = [aToken(), aToken()]
  t.equal(comesAgain(one), false)
  t.equal(comesAgain(two), false)
  t.equal(comesAgain(one), true)
  t.equal(comesAgain(one), true)
  t.equal(other(one), false)
})

t.test('most of those that came lately are known; of a million, no more than there is room for', async (t) => {
  const comesAgain = createDoorkeeper()
  const first = Array.from({ length: 1000 }, aToken)
  first.forEach(comesAgain)
  const known = first.filter(comesAgain).length
  t.ok(known > 900, String(known))
  for (let n = 0; n < 1_000_000; n++) comesAgain(`${n}`.padStart(40, 'x'))
  t.ok(first.filter(comesAgain).length < 900)
})
