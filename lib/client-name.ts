import { isIP } from 'node:net'

/**
 * Who counts as one client: an IPv4 address, however it is written; of IPv6 the network of 64 bits, for whoever has one address of it
 * has all. What is no address is one client together: a socket without one, or what a proxy that is trusted too much passes on.
 */
export function clientNameOf (ip: string | undefined): string {
  const [address = ''] = withoutPort(ip ?? '').split('%')
  const version = isIP(address)
  if (version !== 6) return version === 4 ? address : 'unknown'
  const groups = groupsOf(address)
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (!isMapped) return groups.slice(0, 4).map((group) => group.toString(16)).join(':')
  return groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join('.')
}

/**
 * Some proxies add the client's port, which is another one for each connection: `192.0.2.1:4711`, `[2001:db8::1]:4711`. Without brackets
 * the end of an IPv6 address may be a group or a port: it is left there, and is none of the first 64 bits.
 */
function withoutPort (text: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d{1,5})?$/.exec(text) ?? []
  return bracketed ?? plain ?? text
}

/** The eight groups of an IPv6 address. The parser of URLs knows all the ways to write one, and leaves a single one, without dots. */
function groupsOf (address: string): number[] {
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const read = (part: string): number[] => part === '' ? [] : part.split(':').map((group) => parseInt(group, 16))
  const [first, last] = [read(head), read(tail ?? '')]
  return [...first, ...new Array<number>(8 - first.length - last.length).fill(0), ...last]
}
