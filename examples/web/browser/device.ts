/** A name for what a client says of itself, which can be anything. */
export function device (userAgent: string): { readonly name: string, readonly isPhone: boolean } {
  const [, browser = 'A program'] = browsers.find(([pattern]) => pattern.test(userAgent)) ?? []
  const [, system] = systems.find(([pattern]) => pattern.test(userAgent)) ?? []
  return { name: system === undefined ? browser : `${browser} on ${system}`, isPhone: /Mobi/.test(userAgent) }
}

// Most of them claim to be others as well, so the order counts.
const browsers: ReadonlyArray<[RegExp, string]> = [[/Edg/, 'Edge'], [/OPR/, 'Opera'], [/Firefox|FxiOS/, 'Firefox'], [/Chrom|CriOS/, 'Chrome'], [/Safari/, 'Safari'], [/curl/, 'curl']]
const systems: ReadonlyArray<[RegExp, string]> = [[/iPhone|iPad/, 'iOS'], [/Android/, 'Android'], [/Windows/, 'Windows'], [/Mac OS X/, 'macOS'], [/Linux/, 'Linux']]
