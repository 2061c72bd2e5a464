import { isIP } from 'node:net'

/**
 * Who counts as one client: an IPv4 address, however it is written, also by a translator (RFC 6052 §2.1); of IPv6 the network of 64 bits,
 * for whoever has one address of it has all. What is no address is one client together: a socket without one, or what a proxy that is
 * trusted too much passes on.
 */
export function clientNameOf (ip: string | undefined): string {
  const [address = ''] = withoutPort(ip ?? '').split('%')
  const version = isIP(address)
  if (version !== 6) return version === 4 ? address : 'unknown'
  const groups = groupsOf(address)
  if (!isIPv4(groups)) return groups.slice(0, 4).map((group) => group.toString(16)).join(':')
  return groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join('.')
}

/** IPv4 within IPv6: mapped by a socket, or translated on its way to a server that has no IPv4, from where all clients would look like one. */
function isIPv4 (groups: readonly number[]): boolean {
  const network = groups.slice(0, 6).map((group) => group.toString(16)).join(':')
  return network === '0:0:0:0:0:ffff' || network === '64:ff9b:0:0:0:0'
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
