// What all apps of this folder share. It loads nothing: what an app needs is what is measured.

/** Known to the parent, too, which makes the tokens. */
export const secret = process.env.START_SECRET

export const user = {
  id: '01938a00-0000-7000-8000-000000000000',
  email: 'ada@example.com',
  isActive: true,
  isVerified: true,
  isSuperuser: false,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z'
}

/** The same user, as a store of fastify-users keeps it. */
export const storedUser = { ...user, emailKey: user.email, passwordHash: null, version: 0, sessionEpoch: 0, pendingTokens: {}, fields: {} }

/** Listens, tells the parent where, and answers each message of it with what the process has used so far. */
export async function listen (app) {
  process.on('disconnect', () => process.exit())
  process.on('message', () => process.send({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss() }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  process.send({ port: app.server.address().port })
}
