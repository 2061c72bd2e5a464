/** Code points. At least: OWASP ASVS 5.0, 6.2.1. At most: what keeps a hash from being made to work on a novel. */
export const passwordRule = { minLength: 8, maxLength: 1024 } as const
