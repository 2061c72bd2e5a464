/** How often, at most, expired entries are dropped: milliseconds. */
export const purgeIntervalMs = 60_000

/**
 * How long an entry is kept beyond its time: milliseconds. The clock of another machine may be behind, or be set back; where
 * it is, the token has not expired yet and must still be known as ended.
 */
export const purgeMarginMs = 3_600_000

/** How many expired sessions are removed in one go, at most: SQLite keeps the whole process waiting meanwhile. */
export const purgeLimit = 250

/** How many empty buckets of limits are removed in one go, at most. Their rows are small, and whoever floods a login makes many. */
export const purgeBucketsLimit = 1000
