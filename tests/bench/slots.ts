import { silentLogger, systemClock } from "#src/core/mod.ts";
import { type SlotRange, UID_SLOTS } from "#src/allocator/mod.ts";
import { openPostgres, PostgresAllocator } from "#src/allocator/postgres/mod.ts";
import { openRedis, RedisAllocator } from "#src/allocator/redis/mod.ts";
import { POSTGRES_BIN, PostgresServer } from "#tests/support/postgres_server.ts";
import { RedisServer } from "#tests/support/redis_server.ts";
import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { interleave, type Sample } from "./support/interleave.ts";
import type { Reading } from "./support/reading.ts";
import { cycleOf, rateOf, scanCycle } from "./support/slot_rates.ts";
import { postgresCeiling, prepareCeiling, redisCeiling } from "./support/store_ceilings.ts";

/** How many callers wait for a slot at a time; fewer than the slots that 95 % of 1000 leave. */
const CALLERS = 32;
/** What pgbench gets: as many connections as our pool has. */
const POSTGRES_CLIENTS = 4;

const LEVELS = [
  { row: "10 % of 1000", slots: 1000, share: 0.1 },
  { row: "95 % of 1000", slots: 1000, share: 0.95 },
  { row: "10 % of 10000", slots: 10_000, share: 0.1 },
] as const;

const owner = { hostId: "bench", serverId: "bench", pid: 1, startedAt: "bench:1:1" };
const common = {
  isLive: () => Promise.resolve(true),
  log: silentLogger,
  clock: systemClock,
};

/**
 * Claims and releases of slots in a second, against what the store's own benchmark reaches with the
 * simplest change there is: a script of one line, an update of one row by its key. Then the same
 * with nearly all slots taken against few, and against a search that tries slot after slot.
 */
export const slotsBenchmark: Benchmark = {
  name: "slots",
  programs: [
    { name: "redis-server", debianPackage: "redis-server" },
    { name: "redis-benchmark", debianPackage: "redis-tools" },
    { name: `${POSTGRES_BIN}/postgres`, debianPackage: "postgresql-15" },
    { name: "pgbench", debianPackage: "postgresql-15" },
  ],
  usesExecutable: false,
  async run(context: BenchContext): Promise<Reading[]> {
    return [...await redisReadings(context), ...await postgresReadings(context)];
  },
};

interface Levels {
  readonly context: BenchContext;
  readonly store: string;
  /** Takes the store's own rate. */
  readonly ceiling: (seconds: number) => Promise<number>;
  /** Opens an allocator at a level, that shares nothing with the others. */
  readonly open: (level: (typeof LEVELS)[number], hostId: string) => Promise<Sample>;
}

async function redisReadings(context: BenchContext): Promise<Reading[]> {
  await using server = await RedisServer.start();
  const url = `redis://127.0.0.1:${server.port}`;
  const redis = await openRedis({ url, log: silentLogger, clock: systemClock });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => redis.close());
  const seconds = secondsOf(context);
  const { readings, samples } = await levelReadings({
    context,
    store: "redis",
    ceiling: (seconds) => redisCeiling(server, { clients: CALLERS, seconds }),
    async open({ slots, share }, hostId) {
      const allocator = await RedisAllocator.open(UID_SLOTS, rangeOf(slots), {
        ...common,
        redis,
        owner: { ...owner, hostId },
        keyPrefix: "bench:",
      });
      opened.defer(() => allocator.close());
      const cycle = await cycleOf(allocator, share);
      return () => rateOf(cycle, { callers: CALLERS, seconds });
    },
  });
  const scan = await scanCycle(redis, { slots: 1000, share: 0.95 });
  const pairs = await interleave({
    subject: samples[1],
    baseline: () => rateOf(scan, { callers: CALLERS, seconds }),
  }, scheduleOf(context));
  const row = "redis, 95 % of 1000 against trying each";
  return [...readings, { benchmark: "slots", unit: "req/s", row, wanted: "≥ 5", ...pairs }];
}

async function postgresReadings(context: BenchContext): Promise<Reading[]> {
  await using server = await PostgresServer.start();
  await prepareCeiling(server);
  await using postgres = await openPostgres({
    url: server.url(),
    log: silentLogger,
    clock: systemClock,
  });
  await using opened = new AsyncDisposableStack();
  const { folder } = context;
  const seconds = secondsOf(context);
  const { readings } = await levelReadings({
    context,
    store: "postgres",
    ceiling: (seconds) => postgresCeiling(server, { clients: POSTGRES_CLIENTS, seconds, folder }),
    async open({ slots, share }, hostId) {
      const allocator = await PostgresAllocator.open(UID_SLOTS, rangeOf(slots), {
        ...common,
        postgres,
        owner: { ...owner, hostId },
      });
      opened.defer(() => allocator.close());
      const cycle = await cycleOf(allocator, share);
      return () => rateOf(cycle, { callers: CALLERS, seconds });
    },
  });
  return readings;
}

/** Each level against the store's own rate, and the fullest of 1000 against the emptiest. */
async function levelReadings(
  { context, store, ceiling, open }: Levels,
): Promise<{ readings: Reading[]; samples: [Sample, Sample, Sample] }> {
  const about = { benchmark: "slots", unit: "req/s" } as const;
  const opened = await Promise.all(LEVELS.map((level, at) => open(level, `host-${at}`)));
  const [few, most, many] = opened;
  if (few === undefined || most === undefined || many === undefined) throw new Error("no levels");
  const readings: Reading[] = [];
  for (const [at, { row }] of LEVELS.entries()) {
    const pairs = await interleave({
      subject: opened[at] ?? few,
      baseline: () => ceiling(secondsOf(context)),
    }, scheduleOf(context));
    readings.push({ ...about, row: `${store}, ${row}`, wanted: "≥ 0.5", ...pairs });
  }
  const pairs = await interleave({ subject: most, baseline: few }, scheduleOf(context));
  const row = `${store}, 95 % of 1000 against 10 %`;
  readings.push({ ...about, row, wanted: "0.9-1.1", ...pairs });
  return { readings, samples: [few, most, many] };
}

function rangeOf(slots: number): SlotRange {
  return { start: 1_900_000_000, end: 1_900_000_000 + slots - 1 };
}

function secondsOf({ quick }: BenchContext): number {
  return quick ? 1 : 2;
}

function scheduleOf({ quick }: BenchContext) {
  return { samples: quick ? 3 : 7, warmups: 1 };
}
