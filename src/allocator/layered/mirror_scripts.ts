/**
 * What changes the mirror of one kind of slots of one host, each change in one step. The keys:
 *
 * - `mirror`, a sorted set of `SLOT|SERVER|TOKEN` by slot: the claims, as far as the mirror knows.
 * - `mirror:state`, a hash: `generation`, another number with every change of the mirror;
 *   `rewritten`, when it was last written as a whole, in milliseconds since 1970.
 *
 * A token is of one claim only, so that no change is about a claim other than the one it was made
 * for, however late it comes.
 *
 * @module
 */
import { type RedisScript, redisScript } from "../redis/mod.ts";

/** Milliseconds since 1970, by the clock that all servers have in common. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** Notes a claim. KEYS: mirror, state. ARGV: slot, member. */
export const ADD: RedisScript = redisScript(`
redis.call('HINCRBY', KEYS[2], 'generation', 1)
return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
`);

/** Notes the end of a claim. KEYS: mirror, state. ARGV: member. */
export const REMOVE: RedisScript = redisScript(`
redis.call('HINCRBY', KEYS[2], 'generation', 1)
return redis.call('ZREM', KEYS[1], ARGV[1])
`);

/**
 * Says that the mirror is not to be believed until it is written as a whole. KEYS: state.
 */
export const INVALIDATE: RedisScript = redisScript(`
redis.call('HINCRBY', KEYS[1], 'generation', 1)
redis.call('HDEL', KEYS[1], 'rewritten')
return 1
`);

/**
 * Counts the claims of a range. KEYS: mirror, state. ARGV: first slot, last slot, how old the mirror
 * may be in milliseconds. Replies the count, or -1 when it is older than that.
 */
export const COUNT: RedisScript = redisScript(`${NOW}
local rewritten = tonumber(redis.call('HGET', KEYS[2], 'rewritten') or '0')
if now < rewritten or now - rewritten > tonumber(ARGV[3]) then return -1 end
return redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[2])
`);

/**
 * Asks whether the mirror should be written as a whole. KEYS: state. ARGV: how old it may be in
 * milliseconds. Replies its generation, or -1 when it is younger.
 */
export const IS_DUE: RedisScript = redisScript(`${NOW}
local rewritten = tonumber(redis.call('HGET', KEYS[1], 'rewritten') or '0')
if now >= rewritten and now - rewritten <= tonumber(ARGV[1]) then return -1 end
return tonumber(redis.call('HGET', KEYS[1], 'generation') or '0')
`);

/**
 * Writes the mirror as a whole, unless it has changed since its generation was asked for: what is
 * written would be older than what is there. KEYS: mirror, state. ARGV: that generation, then slots
 * and members in turn. Replies whether it did, as 1 or 0.
 */
export const REWRITE: RedisScript = redisScript(`${NOW}
if (redis.call('HGET', KEYS[2], 'generation') or '0') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HINCRBY', KEYS[2], 'generation', 1)
redis.call('HSET', KEYS[2], 'rewritten', string.format('%d', now))
return 1
`);
