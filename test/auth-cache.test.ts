import t from 'tap'
import { createAuthCache, type Known } from '../lib/auth-cache.js'
import { noteChange } from '../lib/changes.js'
import { newUser } from '../lib/testing/stored-user.js'
import { stoppedClock } from './helpers/sessions.js'

const one = { name: 'one' }
const user = newUser({ fields: { tags: ['a'] } })

function known (id = 'session', given: Partial<Known['session']> = {}): Known {
  return { user, session: { id, userId: user.id, epoch: 0, issuedAt: 0, expiresAt: Date.UTC(2100, 0), ...given } }
}

/** A cache, and look-ups that are counted, and that can be held back. */
function bench (seconds = 3) {
  const clock = stoppedClock()
  const cache = createAuthCache(seconds, clock.now)
  let count = 0
  const load = (found: Known | null = known()) => () => { count++; return found }
  const loadLater = (found: Known | null = known()) => async () => { count++; return found }
  return { cache, clock, load, loadLater, count: () => count }
}

t.test('one look-up in so many seconds', async (t) => {
  const { cache, clock, load, loadLater, count } = bench()
  t.strictSame(cache.get('token', one, load()), known(), 'at once where the look-up answers at once')
  clock.forward(2.999)
  t.strictSame(cache.get('token', one, load()), known())
  t.equal(count(), 1)
  clock.forward(0.001)
  t.strictSame(await cache.get('token', one, loadLater()), known())
  t.equal(count(), 2)
  t.strictSame(cache.get('token', one, loadLater()), known(), 'known, so no promise')
  t.equal(count(), 2)
})

t.test('by the token and the backend; and what does not hold is not remembered', async (t) => {
  const { cache, load, count } = bench()
  cache.get('token', one, load())
  cache.get('token', { name: 'two' }, load(null))
  cache.get('tokem', one, load(null))
  cache.get('tokem', one, load(null))
  t.equal(count(), 4)
})

t.test('what many requests share can be changed by none of them, whether it is kept or not', async (t) => {
  for (const isChanged of [false, true]) {
    const { cache, loadLater } = bench()
    const both = [cache.get('token', one, loadLater()), cache.get('token', one, loadLater())]
    if (isChanged) noteChange(user.id)
    const [mine, theirs] = await Promise.all(both) as [Known, Known]
    t.equal(mine, theirs, 'they have joined one look-up')
    t.throws(() => { (mine.user.fields.tags as string[]).push('b') }, TypeError)
    t.throws(() => { Object.assign(mine.session, { userId: 'another' }) }, TypeError)
    t.strictSame(theirs.user.fields, { tags: ['a'] })
  }
})

t.test('no longer than the token is good, nor where the clock was set back', async (t) => {
  const { cache, clock, load, count } = bench()
  cache.get('token', one, load(known('session', { expiresAt: clock.now() + 1000 })))
  clock.forward(1)
  t.equal(cache.get('token', one, load(null)), null)
  cache.get('other', one, load())
  clock.forward(-1)
  cache.get('other', one, load())
  t.equal(count(), 4)
})

t.test('what is told to have changed is looked up anew', async (t) => {
  for (const id of ['session', user.id]) {
    const { cache, load, count } = bench()
    cache.get('token', one, load())
    noteChange('another id')
    cache.get('token', one, load())
    t.equal(count(), 1)
    noteChange(id)
    cache.get('token', one, load())
    cache.get('token', one, load())
    t.equal(count(), 2, id)
  }
})

t.test('what has changed while it was looked up is not remembered', async (t) => {
  const { cache, load, count } = bench()
  let answer = (_known: Known): void => {}
  const held = cache.get('token', one, async () => await new Promise<Known>((resolve) => { answer = resolve }))
  noteChange('session')
  answer(known())
  t.strictSame(await held, known())
  cache.get('token', one, load())
  t.equal(count(), 1)
})

t.test('requests at the same time share a look-up, unless something changed in between, or it does not come back', async (t) => {
  const { cache, clock, loadLater, count } = bench()
  const never = async (): Promise<never> => await new Promise(() => {})
  const both = [cache.get('token', one, loadLater()), cache.get('token', one, loadLater())]
  t.strictSame(await Promise.all(both), [known(), known()])
  t.equal(count(), 1)
  await Promise.all([cache.get('b', one, loadLater()), cache.get('b', { name: 'two' }, loadLater())])
  t.equal(count(), 3, 'at another backend')

  const first = cache.get('c', one, loadLater())
  noteChange('whatever')
  await Promise.all([first, cache.get('c', one, loadLater())])
  t.equal(count(), 5)

  t.type(cache.get('d', one, never), Promise)
  clock.forward(1)
  t.strictSame(await cache.get('d', one, loadLater()), known())
  t.equal(count(), 6)
})

t.test('what was remembered by a clock that was set back is not remembered any more', async (t) => {
  const { cache, clock, load, count } = bench(60)
  cache.get('token', one, load())
  clock.forward(-3600)
  cache.get('another', one, load())
  clock.forward(3600)
  cache.get('token', one, load())
  t.equal(count(), 3)
})

t.test('look-ups that hang are not kept for ever', async (t) => {
  const { cache, loadLater, count } = bench()
  t.type(cache.get('first', one, async () => await new Promise(() => {})), Promise)
  for (let n = 0; n < 1000; n++) t.type(cache.get(String(n), one, async () => await new Promise(() => {})), Promise)
  await cache.get('first', one, loadLater())
  t.equal(count(), 1, 'it was not joined')
})

t.test('a look-up that fails is remembered by nobody', async (t) => {
  const { cache, load, count } = bench()
  t.throws(() => cache.get('token', one, () => { throw new Error('down') }), { message: 'down' })
  await t.rejects(Promise.resolve(cache.get('token', one, async () => { throw new Error('down') })), { message: 'down' })
  t.strictSame(cache.get('token', one, load()), known())
  t.equal(count(), 1)
})

t.test('more changes than can be told apart are a change of all', async (t) => {
  const { cache, load, count } = bench()
  cache.get('token', one, load())
  for (let n = 0; n < 9900; n++) noteChange(String(n))
  cache.get('token', one, load())
  t.equal(count(), 1)
  for (let n = 9900; n < 10_000; n++) noteChange(String(n))
  cache.get('token', one, load())
  cache.get('token', one, load())
  t.equal(count(), 2)
})

t.test('what many requests share can be changed by none', async (t) => {
  const { cache, load } = bench()
  const found = cache.get('token', one, load()) as Known
  t.throws(() => { Object.assign(found.session, { userId: 'x' }) }, TypeError)
  t.throws(() => { (found.user.fields.tags as string[]).push('b') }, TypeError)
  t.strictSame(user.fields, { tags: ['a'] })
  t.notOk(Object.isFrozen(user.fields), 'what the store gave is left as it was')
})
