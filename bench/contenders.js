// Who is measured: the file in servers/, whether its route is guarded, what it is sent, the status that it answers with, and
// the hand-made floor that does the same work.

const open = { workload: 'open GET /me', guarded: false, sends: 'nothing', status: 200, floor: null }
const refused = { workload: 'refused GET /me', guarded: true, sends: 'nothing', status: 401, floor: null }
const guarded = (floor) => ({ workload: 'guarded GET /me', guarded: true, sends: 'credentials', status: 200, floor })

/** The measure of all others. */
export const bare = { name: 'bare fastify', server: 'bare', ...open }

export const contenders = [
  { name: 'floor bearer jwt', server: 'floor-bearer', ...guarded('floor bearer jwt') },
  { name: 'fastify-users bearer jwt', server: 'fastify-users-bearer', ...guarded('floor bearer jwt') },
  { name: '@fastify/jwt bearer', server: 'fastify-jwt-bearer', ...guarded('floor bearer jwt') },
  { name: 'floor cookie jwt', server: 'floor-cookie', ...guarded('floor cookie jwt') },
  { name: 'fastify-users cookie jwt', server: 'fastify-users-cookie', ...guarded('floor cookie jwt') },
  { name: '@fastify/jwt cookie', server: 'fastify-jwt-cookie', ...guarded('floor cookie jwt') },
  { name: 'fastify-users unguarded', server: 'fastify-users-unguarded', ...open },
  { name: 'fastify-users refused', server: 'fastify-users-bearer', ...refused }
]
