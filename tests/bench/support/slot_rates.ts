import type { SlotAllocator } from "#src/allocator/mod.ts";
import type { Uid } from "#src/core/mod.ts";
import { type RedisConnection, redisScript } from "#src/allocator/redis/mod.ts";

/** Claims and releases one slot; counts as two. */
export type Cycle = () => Promise<void>;

/**
 * Counts what is done in a while by callers that each wait for their answers.
 *
 * @param cycle What each of them does over and over.
 * @param options `callers` is how many there are; `seconds` how long it takes.
 * @returns Claims and releases in a second.
 */
export async function rateOf(
  cycle: Cycle,
  { callers, seconds }: { callers: number; seconds: number },
): Promise<number> {
  let cycles = 0;
  const sinceMs = performance.now();
  const untilMs = sinceMs + seconds * 1000;
  await Promise.all(Array.from({ length: callers }, async () => {
    while (performance.now() < untilMs) {
      await cycle();
      cycles++;
    }
  }));
  return 2 * cycles / (performance.now() - sinceMs) * 1000;
}

/**
 * Makes the cycle of an allocator.
 *
 * @param slots The allocator.
 * @param share How much of its range is taken all the time, 0 to 1.
 * @returns The cycle, once so many slots are taken.
 */
export async function cycleOf(slots: SlotAllocator<Uid>, share: number): Promise<Cycle> {
  const { start, end } = slots.range;
  const taken = Math.round((end - start + 1) * share);
  const claims: Promise<Uid>[] = [];
  for (let at = 0; at < taken; at++) {
    claims.push(slots.claim());
    if (claims.length % 100 === 0) await Promise.all(claims);
  }
  await Promise.all(claims);
  return async () => await slots.release(await slots.claim());
}

/** Tries one slot after the other. KEYS: what their keys begin with. ARGV: the first, the last. */
const SCAN = redisScript(`
for slot = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  if redis.call('SETNX', KEYS[1] .. slot, 1) == 1 then return slot end
end
return -1
`);

/**
 * Makes the cycle of a server that looks for a free slot by trying one after the other.
 *
 * @param redis Where slots are kept.
 * @param options `slots` is how many there are, `share` how much of them is taken all the time.
 * @returns The cycle, once so many slots are taken.
 */
export async function scanCycle(
  redis: RedisConnection,
  { slots, share }: { slots: number; share: number },
): Promise<Cycle> {
  const claim = () => redis.run("scan", SCAN, { keys: ["scan:"], args: ["1", String(slots)] });
  for (let at = 0; at < slots * share; at++) await claim();
  return async () => {
    const slot = await claim();
    if (slot === -1) throw new Error("the scan found no slot");
    await redis.call("release", ["DEL", `scan:${slot}`]);
  };
}
