import { clientNameOf } from '../client-name.js'
import type { Turn } from '../queue.js'
import type { Source } from './accounts.js'

/**
 * How a password of somebody's waits to be hashed. Logins that succeed count against nobody: without a share, who has some accounts could
 * fill the queue by them.
 */
export function turnOf ({ request, gone: signal }: Pick<Source, 'request' | 'gone'>): Turn {
  return { signal, owner: request === null ? undefined : clientNameOf(request.ip) }
}
