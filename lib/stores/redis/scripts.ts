/*
 * Each script has one key, so a cluster can run it, and is sent as it stands: a server that was restarted, flushed or
 * promoted needs to know nothing of it.
 */

/**
 * Puts a session in the place of its older version: key; version, text, time to keep it. A text is never written by two
 * calls. So one that is there already was written by this call, whose reply got lost and which the client has sent again.
 */
export const replaceScript = `
local current = redis.call('GET', KEYS[1])
if current == ARGV[2] then return 1 end
if not current or string.match(current, '^%d+') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`

/**
 * Adds an entry to the index of a user, and keeps that as long as its latest session: key; entry, time to keep it. Of an
 * index with more than a hundred entries it gives a few by chance, so that somebody may look whether they still stand for
 * a session.
 */
export const indexScript = `
redis.call('ZADD', KEYS[1], 0, ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if redis.call('ZCARD', KEYS[1]) <= 100 then return {} end
return redis.call('ZRANDMEMBER', KEYS[1], 4)`

/**
 * Counts an attempt if its bucket has room: key; now, what it costs, the room, how long a bucket that is empty is kept. When the
 * bucket will be empty is told only where there is no room.
 */
export const takeScript = `
local now = tonumber(ARGV[1])
local empty = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local filled = empty + tonumber(ARGV[2])
if filled > now + tonumber(ARGV[3]) then return empty end
redis.call('SET', KEYS[1], string.format('%.0f', filled), 'PX', string.format('%.0f', filled - now + tonumber(ARGV[4])))
return false`

/**
 * Takes an attempt back: key; what it cost, now. A bucket that is empty then goes at once: it would stay for as long as the attempt had
 * cost, and whoever floods a server that is too busy leaves many.
 */
export const giveBackScript = `
local empty = redis.call('GET', KEYS[1])
if not empty then return end
empty = empty - ARGV[1]
if empty <= tonumber(ARGV[2]) then redis.call('DEL', KEYS[1]) return end
redis.call('SET', KEYS[1], string.format('%.0f', empty), 'KEEPTTL')`
