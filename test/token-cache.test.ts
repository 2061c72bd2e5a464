import t from 'tap'
import { createTokenCache } from '../lib/token-cache.js'

const tokenOf = (n: number): string => `header.payload-${String(n).padStart(40, '0')}w`

t.test('what was put in comes out, by the whole token alone', async (t) => {
  const cache = createTokenCache<number>()
  const token = tokenOf(1)
  cache.set(token, 1, 0)
  t.equal(cache.get(token), 1)
  t.equal(cache.get(`x${token.slice(1)}`), undefined, 'the same end, another beginning')
  t.equal(cache.get(token.slice(1)), undefined)
  t.equal(cache.get(`${token}x`), undefined)
  t.equal(cache.get(''), undefined)
  cache.set(token, 2, 0)
  t.equal(cache.get(token), 2)
  cache.delete(token)
  t.equal(cache.get(token), undefined)
})

t.test('of two tokens with one end, the later one is kept', async (t) => {
  const cache = createTokenCache<number>(2)
  const [one, other] = [`a${tokenOf(1)}`, `b${tokenOf(1)}`]
  cache.set(one, 1, 0)
  cache.set(other, 2, 0)
  t.equal(cache.get(other), 2)
  t.equal(cache.get(one), undefined)
  // In the old generation, too.
  cache.set(tokenOf(2), 3, 0)
  t.equal(cache.get(one), undefined)
  t.equal(cache.get(other), 2)
})

t.test('so many entries at most, and those that are used stay', async (t) => {
  const cache = createTokenCache<number>(100)
  cache.set(tokenOf(0), 0, 0)
  for (let n = 1; n <= 10_000; n++) {
    cache.set(tokenOf(n), n, 0)
    if (n % 25 === 0) t.equal(cache.get(tokenOf(0)), 0)
  }
  const kept = Array.from({ length: 10_001 }, (_, n) => n).filter((n) => cache.get(tokenOf(n)) === n)
  t.ok(kept.length > 50 && kept.length <= 100, String(kept.length))
  t.equal(kept[0], 0)
})

t.test('so many bytes at most', async (t) => {
  const cache = createTokenCache<number>(1000, 20_000)
  for (let n = 0; n < 100; n++) cache.set(tokenOf(n), n, 2000)
  const kept = Array.from({ length: 100 }, (_, n) => n).filter((n) => cache.get(tokenOf(n)) === n)
  t.ok(kept.length > 0 && kept.length <= 7, String(kept.length))
  cache.set('heavy', 1, 10_000)
  t.equal(cache.get('heavy'), undefined, 'half of it for one is too much')
  cache.set('x'.repeat(1025), 1, 0)
  t.equal(cache.get('x'.repeat(1025)), undefined, 'too long a token')
})

t.test('what is deleted is so in the old generation, too', async (t) => {
  const cache = createTokenCache<number>(2)
  cache.set(tokenOf(1), 1, 0)
  cache.set(tokenOf(2), 2, 0)
  cache.delete(tokenOf(1))
  t.equal(cache.get(tokenOf(1)), undefined)
  t.equal(cache.get(tokenOf(2)), 2)
})

t.test('letters that are not Latin are not taken for others', async (t) => {
  const cache = createTokenCache<number>()
  cache.set('Ł'.repeat(30), 1, 0)
  t.equal(cache.get('A'.repeat(30)), undefined)
  t.equal(cache.get('Ł'.repeat(30)), undefined)
})

t.test('one that is put in anew weighs once', async (t) => {
  const cache = createTokenCache<number>(1000, 20_000)
  cache.set(tokenOf(1), 1, 2000)
  for (let n = 0; n < 100; n++) cache.set(tokenOf(2), n, 2000)
  t.equal(cache.get(tokenOf(1)), 1)
})
