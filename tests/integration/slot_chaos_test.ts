/**
 * Slots that many processes claim and release at once, while some of them are killed and the store
 * comes and goes.
 */
import { type HostSlots, openSlots, type SlotStore } from "#src/allocator/mod.ts";
import { ExhaustedError, silentLogger, systemClock } from "#src/core/mod.ts";
import { livenessOfServers, readServerOwner } from "#src/server_owner.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { POSTGRES_FILES, PostgresServer } from "#tests/support/postgres_server.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { Arena, type ArenaJob } from "#tests/support/slot_chaos/arena.ts";
import { findOverlaps } from "#tests/support/slot_chaos/overlaps.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

/** Claims and releases of all processes together. */
const OPERATIONS = 200_000;
/** Slots of each kind that there are for each process, and how many of them it holds: 90 %. */
const SLOTS_EACH = 20;
const HELD_EACH = 18;
/** Claims or releases of each kind that a process has under way at a time. */
const LANES = 4;
/** How many processes say that they are on which host. */
const HOSTS = [
  { hostId: "0".repeat(31) + "1", processes: 6 },
  { hostId: "0".repeat(31) + "2", processes: 2 },
];

/** A store that can be taken away. */
interface BreakableStore<Store extends SlotStore = SlotStore> extends AsyncDisposable {
  readonly store: Store;
  /** Ends it without or with a warning, keeping its data. */
  stop(how: "killed" | "told"): Promise<void>;
  start(): Promise<void>;
  /** Freezes it, with all its connections. */
  pause(): void;
  resume(): void;
}

async function breakableRedis(): Promise<BreakableStore<SlotStore & { kind: "redis" }>> {
  const server = await RedisServer.start({ settings: { appendfsync: "always" } });
  return {
    store: {
      kind: "redis",
      redis: { url: `redis://127.0.0.1:${server.port}`, keyPrefix: "chaos:" },
    },
    stop: (how) => how === "killed" ? server.kill() : server.stop(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function breakablePostgres(): Promise<BreakableStore<SlotStore & { kind: "postgres" }>> {
  const server = await PostgresServer.start();
  return {
    store: { kind: "postgres", database: { url: server.url() } },
    stop: () => server.stop(),
    start: () => server.start(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** PostgreSQL decides; Redis goes away with it and at other times, too. */
async function breakableBoth(): Promise<BreakableStore> {
  const opened = new AsyncDisposableStack();
  const redis = opened.use(await breakableRedis());
  const postgres = opened.use(await breakablePostgres());
  let stops = 0;
  return {
    store: { ...redis.store, ...postgres.store, kind: "layered" },
    async stop(how) {
      if (++stops > 1) await redis.stop(how);
      await postgres.stop(how);
    },
    async start() {
      await postgres.start();
      if (stops > 1) await redis.start();
    },
    pause: () => redis.pause(),
    resume: () => redis.resume(),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

for (
  const [name, startStore, operations] of [
    ["Redis", breakableRedis, OPERATIONS],
    ["PostgreSQL", breakablePostgres, OPERATIONS],
    // Whose claims are PostgreSQL's: a part of them shows that the mirror is in nobody's way.
    ["PostgreSQL and Redis", breakableBoth, OPERATIONS / 5],
  ] as const
) {
  Deno.test(
    `${name}: no slot has two holders and none is lost, whoever is killed and comes back`,
    needs({ files: [...REDIS_PROGRAMS, ...POSTGRES_FILES] }),
    async () => {
      await using folder = await tempFolder();
      await using server = await startStore();
      const jobOn = (hostId: string) => jobFor(hostId, server.store);
      await using arena = new Arena(folder, jobOn);
      await Promise.all(
        HOSTS.flatMap(({ hostId, processes }) =>
          Array.from({ length: processes }, () => arena.start(hostId))
        ),
      );
      await act(arena, server, operations);

      const reports = await arena.hold();
      assert(reports.some(({ outages }) => outages > 0), "nobody has noticed the outages");
      for (const { hostId } of HOSTS) {
        await using view = await openView(folder, hostId, jobOn(hostId));
        for (const [kind, slots] of [["port", view.ports], ["uid", view.uids]] as const) {
          const held = reports.filter((report) => report.hostId === hostId)
            .reduce((sum, report) => sum + report.held[kind], 0);
          let inUse: number | undefined;
          await until(async () => (inUse = await slots?.inUse()) === held, {
            what: () => `${inUse} ${kind}s of ${hostId} are claimed, and ${held} held`,
          });
        }
      }

      assertEquals(new Set(await arena.finish()), new Set([0]));
      const { problems, holdings } = findOverlaps(arena.journals());
      assertEquals(problems, []);
      assert(arena.operations >= operations, `${arena.operations} claims and releases`);
      assert(arena.kills >= 10, `${arena.kills} were killed`);
      assert(2 * holdings >= operations, `${holdings} holdings are known`);
      for (const { hostId } of HOSTS) {
        await using view = await openView(folder, hostId, jobOn(hostId));
        for (const slots of [view.ports, view.uids]) {
          await slots?.reclaimOrphans();
          assertEquals(await slots?.inUse(), 0);
          assertEquals(await claimAll(slots), slots && slots.range.end - slots.range.start + 1);
        }
      }
    },
  );
}

function jobFor(hostId: string, store: SlotStore): ArenaJob {
  const processes = HOSTS.find((host) => host.hostId === hostId)?.processes ?? 0;
  const from = (start: number) => ({ start, end: start + processes * SLOTS_EACH - 1 });
  const ranges = { port: from(20_000), uid: from(1_900_000_000) };
  return { store, ranges, target: HELD_EACH, lanes: LANES };
}

/** What happens, in this order, spread evenly over all operations. */
async function act(arena: Arena, server: BreakableStore, operations: number): Promise<void> {
  const kill = async () => await arena.start(await arena.killOne());
  const outage = async (how: "killed" | "told") => {
    await server.stop(how);
    await systemClock.sleep(1000);
    const hostId = await arena.killOne();
    await server.start();
    await arena.start(hostId);
  };
  const freeze = async () => {
    server.pause();
    // Longer than the deadline of a call: what was asked for meanwhile happens and nobody hears of it.
    await systemClock.sleep(2500);
    server.resume();
  };
  const events = [
    ...[kill, kill, () => outage("killed"), kill, kill, freeze],
    ...[kill, kill, () => outage("told"), kill, kill],
  ];
  for (const [at, event] of events.entries()) {
    const due = operations * (at + 1) / (events.length + 1);
    await untilOperations(arena, due);
    await event();
  }
  await untilOperations(arena, operations);
}

function untilOperations(arena: Arena, count: number): Promise<true> {
  return until(() => arena.operations >= count, {
    what: () => `${arena.operations} of ${count} claims and releases`,
    withinMs: 120_000,
    everyMs: 50,
  });
}

/** The slots as another server of a host sees them. */
async function openView(folder: TempFolder, hostId: string, job: ArenaJob): Promise<HostSlots> {
  const machineId = await folder.write(`${hostId}.machine-id`, hostId);
  return await openSlots(job.store, {
    ports: job.ranges.port,
    uids: job.ranges.uid,
    identify: async () => ({
      owner: await readServerOwner({ machineIdPaths: [machineId] }),
      isLive: await livenessOfServers(),
    }),
    log: silentLogger,
    clock: systemClock,
  });
}

async function claimAll(slots: HostSlots["ports"] | HostSlots["uids"]): Promise<number> {
  const claimed = new Set<number | undefined>();
  try {
    while (true) claimed.add(await slots?.claim());
  } catch (error) {
    if (error instanceof ExhaustedError) return claimed.size;
    throw error;
  }
}
