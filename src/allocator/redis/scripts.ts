/**
 * What changes slots in Redis, each change in one step. The keys of one kind of slots of one host:
 *
 * - `claims`, a sorted set of claims by the number of their slot: who has what. It alone decides.
 * - `free:START-END`, the pool of a range, a sorted set of slots in the order in which they were
 *   freed. A hint: a slot in it may be claimed, and is passed over then. Its member `next:N` says
 *   that N is the first slot which never was in it; it comes before all others while there is such
 *   a slot (score -1), and after all others when there is none (score +inf). So a pool costs memory
 *   only for slots that were used, is never empty, and can be made anew when it is gone.
 * - `ranges`, a hash: `range:START-END` → when a server with that range was last seen, in seconds
 *   since 1970; `freed:VERSION` → how many slots were freed, plus one. VERSION is another text with
 *   every change of the ranges.
 *
 * The steps are few because each call from Lua costs more than what it does.
 *
 * @module
 */
import { type RedisScript, redisScript } from "./script.ts";

/**
 * Claims a slot. KEYS: claims, pool. ARGV: claim, first slot, last slot.
 * Replies the slot, or `{"full", COUNT}`, or `{"again"}` when it has looked at many claimed slots
 * and others shall have their turn, or `{"ranges"}` when there is no such pool.
 */
export const CLAIM: RedisScript = redisScript(`
local first, last = tonumber(ARGV[2]), tonumber(ARGV[3])
for _ = 1, 1000 do
  local slot = redis.call('ZPOPMIN', KEYS[2])[1]
  if slot == nil then return {'ranges'} end
  if string.byte(slot) == 110 then
    local number = tonumber(string.sub(slot, 6))
    if number > last then
      local count = redis.call('ZCOUNT', KEYS[1], first, last)
      if count > last - first then
        redis.call('ZADD', KEYS[2], 'inf', slot)
        return {'full', count}
      end
      -- A free slot is missing here: its range was unknown for a while. All are looked through.
      number = first
    end
    redis.call('ZADD', KEYS[2], number < last and -1 or 'inf', 'next:' .. number + 1)
    slot = tostring(number)
    -- What was freed comes in its turn, after those that were never used.
    if redis.call('ZSCORE', KEYS[2], slot) then slot = nil end
  end
  if slot and redis.call('ZCOUNT', KEYS[1], slot, slot) == 0 then
    redis.call('ZADD', KEYS[1], slot, ARGV[1])
    return tonumber(slot)
  end
end
return {'again'}
`);

/**
 * Makes a slot free. KEYS: ranges, claims, then the pool of every range that has the slot.
 * ARGV: `freed:VERSION` of the ranges that are known to the caller, slot, claim.
 * Replies 1, or 0 when there is no such claim, or `{"ranges"}` when the ranges have another version;
 * only 1 changes who has what.
 */
export const RELEASE: RedisScript = redisScript(`
local order = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
if order == 1 then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return {'ranges'}
end
if redis.call('ZREM', KEYS[2], ARGV[3]) == 0 then return 0 end
for i = 3, #KEYS do redis.call('ZADD', KEYS[i], order, ARGV[2]) end
return 1
`);

/**
 * Claims a certain slot again after Redis has lost the claim. KEYS: claims. ARGV: slot, claim.
 * Replies 1, or 0 when somebody else has it.
 */
export const RESTORE: RedisScript = redisScript(`
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then return 1 end
if redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1]) > 0 then return 0 end
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
return 1
`);

/** Gives the ranges another version, made of the time and of what was done to which range. */
const NEW_VERSION = `
local function new_version(change)
  local order = 1
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    if string.sub(field, 1, 6) == 'freed:' then
      order = redis.call('HGET', KEYS[1], field)
      redis.call('HDEL', KEYS[1], field)
    end
  end
  local time = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'freed:' .. time[1] .. '.' .. time[2] .. change, order)
end
`;

/**
 * Says that a server with a range is there. KEYS: ranges, pool. ARGV: range, first slot.
 * Replies names and values of `ranges`, in turn. Slots that were freed before the range was known
 * are not in its pool: it starts from the first.
 */
export const REGISTER: RedisScript = redisScript(`
${NEW_VERSION}
if redis.call('HSET', KEYS[1], 'range:' .. ARGV[1], redis.call('TIME')[1]) == 1 then
  new_version('+' .. ARGV[1])
  redis.call('DEL', KEYS[2])
end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZADD', KEYS[2], -1, 'next:' .. ARGV[2]) end
return redis.call('HGETALL', KEYS[1])
`);

/**
 * Forgets a range that no server has had for long. KEYS: ranges, pool. ARGV: range, when it was last
 * seen. Replies 1, or 0 when it was seen since.
 */
export const FORGET: RedisScript = redisScript(`
${NEW_VERSION}
if redis.call('HGET', KEYS[1], 'range:' .. ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], 'range:' .. ARGV[1])
new_version('-' .. ARGV[1])
redis.call('DEL', KEYS[2])
return 1
`);
