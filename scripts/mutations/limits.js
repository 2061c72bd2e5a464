/* eslint no-template-curly-in-string: off -- the texts are of the source */
/** How often what may be tried. */
export const limits = [
  {
    file: 'lib/rate-limiter.ts',
    tests: ['http/throttle'],
    mutations: [
      { what: 'nothing is one too many', from: 'if (emptyAt !== null) {', to: 'if (false) {' },
      { what: 'a fault of ours counts', from: 'if (isOurFault(error)) await', to: 'if (false) await' },
      { what: 'a failure does not count', from: 'if (isOurFault(error)) await', to: 'await' },
      { what: 'what is counted in part stays', from: 'await settle(counted, giveBack)\n        throw', to: 'throw' },
      { what: 'a locked account locks out its client', from: 'await settle(counted, giveBack)\n            return', to: 'return' },
      { what: 'a success counts at the account', from: "if (counter.onSuccess === 'forget') await", to: 'if (false) await' },
      { what: 'a success counts at the client', from: "if (counter.onSuccess === 'give-back') await", to: 'if (false) await' },
      { what: 'an address stands in the store', from: 'return digestOf(`${what}.${kind}\\n${who}`)', to: 'return `${what}.${kind}.${who}`' },
      { what: 'a refusal does not say when to come back', from: "'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))), ", to: '' }
    ]
  },
  {
    file: 'lib/accounts/limits.ts',
    tests: ['http/throttle'],
    mutations: [
      { what: 'a login counts against no client', from: 'return [...client, ', to: 'return [' },
      { what: 'another spelling is another account', from: "typeof email === 'string' ? emailKey(email)", to: "typeof email === 'string' ? email" },
      { what: 'any number of mails', from: '.refusal === null', to: ' !== null' },
      { what: 'no failures in a row are too many', from: ", ...countersOf(limits, 'login', 'inARow', who, 'forget')]", to: ']' },
      { what: 'a password in a session may be guessed for ever', from: "[...countersOf(limits, 'currentPassword', 'perAccount', userId, 'forget'), ", to: '[', tests: ['security/brute-force'] },
      { what: 'an account that is registered anew is sent as many mails again', from: 'mailCounters(accounts, what, emailKey)', to: 'mailCounters(accounts, what, String(Math.random()))' },
      { what: 'a new password leaves the lock', from: "keyOf('login', 'perAccount', emailKey), ", to: '' }
    ]
  },
  {
    file: 'lib/http/throttle.ts',
    tests: ['http/throttle'],
    mutations: [
      { what: 'a registration that succeeds does not count', from: "register: { type: 'register', onSuccess: 'keep' }", to: "register: { type: 'register', onSuccess: 'give-back' }" }
    ]
  },
  {
    file: 'lib/client-name.ts',
    tests: ['http/throttle'],
    mutations: [
      { what: 'each address of a network is a client', from: 'groups.slice(0, 4)', to: 'groups.slice(0, 8)' },
      { what: 'an IPv4 address has two names', from: "network === '0:0:0:0:0:ffff'", to: 'false' },
      { what: 'all that come by a translator are one client', from: "network === '64:ff9b:0:0:0:0'", to: 'false' },
      { what: 'clients without an address are not counted together', from: "version === 4 ? address : 'unknown'", to: 'String(ip)' },
      { what: 'all whose proxy adds a port are one client', from: 'return bracketed ?? plain ?? text', to: 'return text' }
    ]
  },
  {
    file: 'lib/accounts/turn.ts',
    tests: ['http/overload'],
    mutations: [
      { what: 'a client fills the queue', from: 'clientNameOf(request.ip)', to: 'undefined' },
      { what: 'who has hung up is hashed for', from: 'return { signal, ', to: 'return { ' }
    ]
  },
  {
    file: 'lib/stores/sql/rate-limits.ts',
    tests: ['stores/sql'],
    servers: true,
    mutations: [
      { what: 'a full bucket is filled', from: ' where id = ? and empty_at <= ?`', to: ' where id = ? and ? > 0`' },
      { what: 'purge takes what is not empty', from: 'const deleteEmpty = `delete from ${table} where empty_at <= ?`', to: 'const deleteEmpty = `delete from ${table} where empty_at >= 0 or empty_at <= ?`' }
    ]
  },
  {
    file: 'lib/stores/memory-rate-limits.ts',
    tests: ['stores/memory'],
    mutations: [
      { what: 'any number of buckets', from: 'emptyAtOf.size >= most', to: 'false' },
      { what: 'a flood of others clears a full one', from: 'if (emptyAt <= latest && ', to: 'if (' },
      { what: 'an empty bucket is kept', from: 'if (emptyAt > now) emptyAtOf', to: 'if (emptyAtOf.has(key)) emptyAtOf' },
      { what: 'so few buckets that nothing is limited', from: ' || most < fewest', to: '' },
      { what: 'where all are alike, one more clears them all', from: 'if (left === 0) break', to: '' },
      { what: 'a full bucket is filled', from: 'if (emptyAt + costMs > now + roomMs) return emptyAt', to: '' }
    ]
  }
]
