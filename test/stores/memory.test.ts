import t from 'tap'
import { memory, memoryRevocations } from '../../lib/stores/memory.js'
import { revocationStoreContract, userStoreContract } from '../../lib/testing/user-store-contract.js'

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

t.test('expired entries are dropped as a session ends, once a minute', async (t) => {
  let now = 1_000_000
  const revocations = memoryRevocations(() => now)
  revocations.revoke('first', now + 1000)
  revocations.revoke('long', now + 3_600_000)
  now += 59_999
  revocations.revoke('second', now + 3_600_000)
  t.equal(revocations.isRevoked('first'), true, 'less than a minute has gone by')
  now += 1
  revocations.revoke('third', now + 3_600_000)
  t.equal(revocations.isRevoked('first'), false)
  for (const id of ['long', 'second', 'third']) t.equal(revocations.isRevoked(id), true)
})
