import t from 'tap'
import { memory, memoryRevocations } from '../../lib/stores/memory.js'
import { revocationStoreContract, userStoreContract } from '../../lib/testing/index.js'

t.test('the contract of user stores', async (t) => {
  for (const { name, run } of userStoreContract(memory)) t.test(name, run)
})

t.test('the contract of revocation stores', async (t) => {
  for (const { name, run } of revocationStoreContract(() => memoryRevocations())) t.test(name, run)
})

t.test('it answers at once, and says that it forgets', async (t) => {
  const store = memory()
  t.equal(store.ephemeral, true)
  t.equal(store.findById('unknown'), null)
  t.equal(store.revocations?.isRevoked('unknown'), false)
})

t.test('entries are dropped an hour after they expired, as a session ends, once a minute', async (t) => {
  let now = 1_000_000
  const hour = 3_600_000
  const revocations = memoryRevocations()
  revocations.revoke('first', now + 1000, now)
  now += 1000 + hour - 1
  revocations.revoke('second', now + hour, now)
  t.equal(revocations.isRevoked('first'), true, 'a clock behind ours may hold its token to be good')
  now += 59_999
  revocations.revoke('third', now + hour, now)
  t.equal(revocations.isRevoked('first'), true, 'less than a minute has gone by')
  now += 1
  revocations.revoke('fourth', now + hour, now)
  t.equal(revocations.isRevoked('first'), false)
  for (const id of ['second', 'third', 'fourth']) t.equal(revocations.isRevoked(id), true)
})
