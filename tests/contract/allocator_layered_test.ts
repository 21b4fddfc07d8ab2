import type { Uid } from "#src/core/mod.ts";
import type { ServerClaim } from "#src/allocator/postgres/mod.ts";
import { openRedis, type RedisConnection } from "#src/allocator/redis/mod.ts";
import { type LayeredAllocator, SlotMirror } from "#src/allocator/layered/mod.ts";
import { silentLogger, systemClock } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { POSTGRES_FILES, PostgresServer } from "#tests/support/postgres_server.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { until } from "#tests/support/until.ts";
import { allocatorContract } from "./allocator_suite.ts";
import { sharedAllocatorContract } from "./shared_allocator_suite.ts";
import { LayeredStore } from "./support/layered_store.ts";

const options = needs({ files: [...POSTGRES_FILES, ...REDIS_PROGRAMS] });
const { ignore } = options;

let postgres: PostgresServer | undefined;
let redis: RedisServer | undefined;
Deno.test.beforeAll(async () => {
  if (ignore) return;
  postgres = await PostgresServer.start();
  redis = await RedisServer.start();
});
Deno.test.afterAll(async () => {
  await redis?.[Symbol.asyncDispose]();
  await postgres?.[Symbol.asyncDispose]();
});

/** Nobody listens there. */
const NOWHERE = "redis+unix:///nonexistent/redis.sock";

let store: LayeredStore | undefined;

const RANGE = { start: 1_900_000_000, end: 1_900_000_019 };

allocatorContract("LayeredAllocator", async (_kind, range) => {
  store = await startStore();
  return await store.open(range, server("1"));
}, { closeStore: async () => await store?.[Symbol.asyncDispose](), ignore });

sharedAllocatorContract("LayeredAllocator", startStore, { ignore, countsInOutages: true });
sharedAllocatorContract("LayeredAllocator without Redis", () => startStore(NOWHERE), { ignore });

function startStore(redisUrl = `redis://127.0.0.1:${redis?.port}`): Promise<LayeredStore> {
  if (postgres === undefined) throw new Error("the servers are not started");
  return LayeredStore.start(postgres, redisUrl);
}

function urlOf({ port }: RedisServer): string {
  return `redis://127.0.0.1:${port}`;
}

function server(id: string) {
  return {
    owner: { hostId: "host-1", serverId: `server-${id}`, pid: 4711, startedAt: "boot:17" },
    isLive: () => Promise.resolve(true),
    direct: true,
    deadlineMs: 30_000,
  };
}

async function claimMany(slots: LayeredAllocator<Uid>, count: number): Promise<Uid[]> {
  const claimed: Uid[] = [];
  while (claimed.length < count) claimed.push(await slots.claim());
  return claimed;
}

/** The mirror as redis-cli shows it: slot and server of every claim in it. */
async function mirrorOf(server: RedisServer, { keyPrefix }: { keyPrefix: string }) {
  const members = await server.cli("ZRANGE", `${keyPrefix}{host-1:uid}:mirror`, "0", "-1");
  return members.split("\n").filter(Boolean).map((member) => member.split("|").slice(0, 2).join());
}

/** The claims as psql shows them, in the same form. */
function claimsOf({ postgres }: LayeredStore): Promise<string[]> {
  return postgres.psql(
    "SELECT slot || ',' || server_id FROM blockyard.slots WHERE server_id IS NOT NULL ORDER BY slot",
  );
}

async function untilMirrored(store: LayeredStore, server = redis): Promise<void> {
  if (server === undefined) throw new Error("Redis is not started");
  let [mirror, claims]: [string[], string[]] = [[], []];
  await until(async () => {
    [mirror, claims] = await Promise.all([mirrorOf(server, store), claimsOf(store)]);
    return mirror.join(" ") === claims.join(" ");
  }, { what: () => `the mirror is ${mirror}, want ${claims}` });
}

Deno.test("the mirror in Redis shows the claims of all servers", options, async () => {
  await using store = await startStore();
  const [a, b] = [await store.open(RANGE, server("a")), await store.open(RANGE, server("b"))];
  const [first] = await claimMany(a, 3);
  await claimMany(b, 2);
  if (first !== undefined) await a.release(first);
  assertEquals((await claimsOf(store)).length, 4);
  await untilMirrored(store);
});

Deno.test("claims are counted in Redis when PostgreSQL is away", options, async () => {
  await using store = await startStore();
  const slots = await store.open(RANGE, { ...server("a"), direct: false });
  await claimMany(slots, 3);
  await untilMirrored(store);
  store.proxy.refuse();
  assertEquals(await slots.inUse(), 3);
  store.proxy.flow();
});

Deno.test(
  "an outage of Redis is not noticed by who claims, and the mirror heals",
  options,
  async () => {
    await using own = await RedisServer.start();
    await using store = await startStore(urlOf(own));
    const log = new RecordingLogger();
    const slots = await store.open(RANGE, { ...server("a"), log });
    const [first] = await claimMany(slots, 3);
    await untilMirrored(store, own);
    await own.stop();
    await claimMany(slots, 4);
    if (first !== undefined) await slots.release(first);
    assertEquals(await slots.inUse(), 6);
    await own.start();
    await claimMany(slots, 1);
    assertEquals(await slots.inUse(), 7);
    await untilMirrored(store, own);
    assertEquals(await slots.inUse(), 7);
    await until(() => log.at("info").some(({ message }) => /complete again/.test(message)), {
      what: "the end of the outage is logged",
    });
    assertEquals(log.at("warn").filter(({ message }) => /mirror/.test(message)).length, 1);
  },
);

Deno.test("a Redis that hangs holds up no claim for longer than one read", options, async () => {
  await using own = await RedisServer.start();
  await using store = await startStore(urlOf(own));
  const slots = await store.open(RANGE, server("a"));
  await claimMany(slots, 1);
  await untilMirrored(store, own);
  own.pause();
  const claimed = await claimMany(slots, 2);
  for (const slot of claimed) await slots.release(slot);
  assertEquals(await slots.inUse(), 1);
  own.resume();
  await untilMirrored(store, own);
});

Deno.test("a mirror that was flushed is not believed, and is written anew", options, async () => {
  await using own = await RedisServer.start();
  await using store = await startStore(urlOf(own));
  const slots = await store.open(RANGE, server("a"));
  await claimMany(slots, 5);
  await untilMirrored(store, own);
  await own.cli("FLUSHALL");
  assertEquals(await slots.inUse(), 5);
  await untilMirrored(store, own);
});

Deno.test("a mirror keeps what changed while it was written as a whole", options, async () => {
  await using mirrors = await twoMirrors();
  const { listed, rewriter, noter, redis } = mirrors;
  const old: ServerClaim = { slot: 1, serverId: "a", token: "old" };
  const late: ServerClaim = { slot: 2, serverId: "b", token: "late" };
  // The list is of a moment before the changes, and arrives after them.
  listed.push(async () => {
    noter.noteRelease(old);
    noter.noteClaim(late);
    await until(async () => (await mirrorOf(redis, mirrors)).includes("2,b"), { what: "a note" });
    return [old];
  });
  listed.push(() => Promise.resolve([late]));
  rewriter.noteChanges();
  await until(() => listed.length === 0, { what: "the mirror is written anew" });
  await until(async () => await rewriter.count({ start: 1, end: 9 }) === 1, { what: "one claim" });
  assertEquals(await mirrorOf(redis, mirrors), ["2,b"]);
});

/** Two servers' views of one mirror; the first takes what it writes from `listed`, last to first. */
async function twoMirrors() {
  const opened = new AsyncDisposableStack();
  const server = opened.use(await RedisServer.start());
  const url = urlOf(server);
  const open = async (listClaims: () => Promise<ServerClaim[]>): Promise<SlotMirror> => {
    const log = silentLogger;
    const redis: RedisConnection = await openRedis({ url, log, clock: systemClock });
    opened.defer(() => redis.close());
    const mirror = new SlotMirror({
      connect: () => Promise.resolve(redis),
      kindName: "uid",
      hostId: "host-1",
      keyPrefix: "test:",
      listClaims,
      log,
      clock: systemClock,
    });
    opened.defer(() => mirror.close());
    await until(async () => await mirror.count({ start: 1, end: 9 }) !== undefined, {
      what: "the mirror is complete",
    });
    return mirror;
  };
  const listed: (() => Promise<ServerClaim[]>)[] = [];
  let last: ServerClaim[] = [];
  const rewriter = await open(async () => last = await listed.shift()?.() ?? last);
  const noter = await open(() => Promise.resolve([]));
  return {
    listed,
    rewriter,
    noter,
    redis: server,
    keyPrefix: "test:",
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
