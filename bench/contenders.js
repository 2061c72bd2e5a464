// Who is measured: the server in servers/ and what it is `with`, whether its route is guarded, what it is sent, the status that it
// answers with, and the hand-made floor that does the same work.

// Ours refuses in production what the bench cannot do without: users in memory, and cheap passwords.
const oursIn = { env: { NODE_ENV: 'development' } }

const open = { work: 'open', floor: null, workload: 'open GET /me', guard: 'none', sends: 'nothing', status: 200 }
const guarded = { workload: 'guarded GET /me', guard: 'required', sends: 'credentials', status: 200 }
const unseen = { ...guarded, sends: 'new tokens' }
const refused = { workload: 'refused GET /me', guard: 'required', sends: 'nothing', status: 401 }
const refusedToken = { ...refused, sends: 'tampered' }

/** The hand-made floor of some work, and those who do the same. */
function withFloor (work, terms, server, settings, contenders) {
  const floor = `floor ${work}`
  return [
    { name: floor, work, floor: null, server, with: settings, ...terms },
    ...contenders.map((contender) => ({ work, floor, ...terms, ...contender }))
  ]
}

/** @param isKept whether `npm run bench:check` keeps it */
function ours (name, settings, isKept = false) {
  return { name: `fastify-users ${name}`, server: 'fastify-users', with: settings, isKept, ...oursIn }
}

function peer (name, server, settings = {}) {
  return { name, server, with: settings }
}

/** The measure of all others. */
export const bare = { name: 'bare fastify', server: 'bare', with: {}, ...open }

export const contenders = [
  ...withFloor('bearer jwt', guarded, 'floor-jwt', { transport: 'bearer' }, [
    ours('bearer jwt', {}, true),
    peer('@fastify/jwt bearer', 'fastify-jwt', { transport: 'bearer' }),
    peer('@fastify/jwt bearer, its cache', 'fastify-jwt', { transport: 'bearer', cache: true }),
    peer('hono jwt', 'hono-jwt'),
    peer('express passport-jwt', 'express-passport-jwt')
  ]),
  ...withFloor('cookie jwt', guarded, 'floor-jwt', { transport: 'cookie' }, [
    ours('cookie jwt', { transport: 'cookie' }, true),
    peer('@fastify/jwt cookie', 'fastify-jwt', { transport: 'cookie' }),
    peer('@fastify/jwt cookie, its cache', 'fastify-jwt', { transport: 'cookie', cache: true }),
    peer('@fastify/passport secure-session', 'fastify-passport', { session: 'cookie' }),
    peer('better-auth memory, its cookie cache', 'better-auth', { store: 'memory', cookieCache: true })
  ]),
  ...withFloor('jwt unseen', unseen, 'floor-jwt', { remembers: false }, [
    ours('bearer jwt unseen', {}, true)
  ]),
  ...withFloor('ES256 seen', guarded, 'floor-jwt', { algorithm: 'ES256' }, [
    ours('ES256 seen', { strategy: 'ES256' })
  ]),
  ...withFloor('opaque memory', guarded, 'floor-opaque', {}, [
    ours('opaque memory', { strategy: 'opaque' }, true),
    peer('@fastify/passport session', 'fastify-passport', { session: 'memory' }),
    peer('better-auth memory', 'better-auth', { store: 'memory' })
  ]),
  ...['sqlite', 'postgres', 'redis'].flatMap((store) => [
    ...withFloor(`opaque ${store}`, guarded, 'floor-opaque', { store }, [
      // Where a server is asked, its share of the floor moves by a fifth from run to run: that is not kept.
      ours(`opaque ${store}`, { strategy: 'opaque', store }, store === 'sqlite'),
      ...(store === 'sqlite' ? [peer('better-auth sqlite', 'better-auth', { store })] : [])
    ]),
    ...withFloor(`opaque ${store} cached`, guarded, 'floor-opaque', { store, cacheSeconds: 3 }, [
      ours(`opaque ${store} cached`, { strategy: 'opaque', store, cacheSeconds: 3 }, store === 'sqlite')
    ])
  ]),
  ...['sqlite', 'postgres'].flatMap((store) => withFloor(`jwt ${store}`, guarded, 'floor-jwt', { store }, [
    ours(`jwt ${store}`, { store })
  ])),
  ...withFloor('refused', refused, 'floor-jwt', {}, [
    ours('refused', {}, true)
  ]),
  ...withFloor('refused bad token', refusedToken, 'floor-jwt', {}, [
    ours('refused bad token', {}, true)
  ]),
  { ...ours('optional guard', { route: 'optional' }), ...open, guard: 'optional' },
  { ...ours('unguarded', { route: 'unguarded' }, true), ...open }
]
