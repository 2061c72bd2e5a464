/** Code points; no option goes beyond them. At least: OWASP ASVS 5.0, 6.2.1. At most: what keeps a hash from being made to work on a novel. */
export const passwordRule = { minLength: 8, maxLength: 1024 } as const

/** Code points: how long every app must let a password be (NIST SP 800-63B-4 §3.1.1.2), and how long it may be by default. */
export const longPassword = { allowed: 64, byDefault: 128 } as const
