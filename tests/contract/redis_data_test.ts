import { ExhaustedError, StoreUnavailableError } from "#src/core/mod.ts";
import { redisScript } from "#src/allocator/redis/mod.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { freePort, REDIS_PROGRAMS, type RedisServerOptions } from "#tests/support/redis_server.ts";
import { until } from "#tests/support/until.ts";
import type { OpenOptions } from "./shared_allocator_suite.ts";
import { RedisStore } from "./support/redis_store.ts";

const NEEDS = needs({ files: REDIS_PROGRAMS });
const BASE = 1_900_000_000;

test("keeps claims under keys of host and kind", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 9 }, as("a"));
  const other = await store.open({ start: BASE, end: BASE + 4 }, as("b"));
  assertEquals([await slots.claim(), await other.claim()], [BASE, BASE + 1]);
  const keys = (await store.server.cli("--scan")).split("\n").sort();
  assertEquals(keys, [
    "test:{host-1:uid}:claims",
    `test:{host-1:uid}:free:${BASE}-${BASE + 4}`,
    `test:{host-1:uid}:free:${BASE}-${BASE + 9}`,
    "test:{host-1:uid}:ranges",
  ]);
  const claims = await store.server.cli("zrange", "test:{host-1:uid}:claims", "0", "-1");
  assertEquals(
    claims.split("\n").map((claim) => claim.replace(/\|[^|]+$/, "")),
    ["server-a|4711|boot:17", "server-b|4711|boot:17"],
  );
});

for (const taken of [100, 950]) {
  const title = `takes the same steps to claim and release, with ${taken} of 1000 taken`;
  test(title, {}, async (store) => {
    const slots = await store.open({ start: BASE, end: BASE + 999 }, as("a"));
    const held = await Promise.all(Array.from({ length: 1000 }, () => slots.claim()));
    await Promise.all(held.slice(taken).map((slot) => slots.release(slot)));
    await store.server.cli("config", "resetstat");
    for (let cycle = 0; cycle < 10; cycle++) await slots.release(await slots.claim());
    const calls = await callsOf(store);
    // Who asks for the statistics is in them.
    calls.delete("info");
    calls.delete("config|resetstat");
    assertEquals(Object.fromEntries(calls), {
      evalsha: 20,
      hincrby: 10,
      zadd: 20,
      zcount: 10,
      zpopmin: 10,
      zrem: 10,
    });
  });
}

test("puts a freed slot last into every pool that has it", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 3 }, as("a"));
  const larger = await store.open({ start: BASE, end: BASE + 5 }, as("b"));
  await store.open({ start: BASE + 1, end: BASE + 5 }, as("c"));
  await larger.release(await larger.claim());
  const pool = (last: number, first = 0) => `test:{host-1:uid}:free:${BASE + first}-${BASE + last}`;
  const inPool = async (key: string) => await store.server.cli("zrange", key, "0", "-1");
  assertEquals(await inPool(pool(3)), `next:${BASE}\n${BASE}`);
  assertEquals(await inPool(pool(5)), `next:${BASE + 1}\n${BASE}`);
  assertEquals(await inPool(pool(5, 1)), `next:${BASE + 1}`);
  assertEquals(await slots.claim(), BASE + 1);
});

test("goes on when the server forgets its scripts", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 2 }, as("a"));
  const first = await slots.claim();
  await store.server.cli("script", "flush");
  await slots.release(first);
  await store.server.cli("script", "flush");
  assertEquals(await slots.claim(), BASE + 1);
});

test("hands out every free slot once when a pool is gone", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 2999 }, as("a"));
  const held = await Promise.all(Array.from({ length: 2900 }, () => slots.claim()));
  const free = held.splice(0, 50);
  await Promise.all(free.map((slot) => slots.release(slot)));
  await store.server.cli("del", `test:{host-1:uid}:free:${BASE}-${BASE + 2999}`);
  const more = await Promise.all(Array.from({ length: 150 }, () => slots.claim()));
  assertEquals(new Set([...held, ...more]).size, 3000);
  await assertRejects(() => slots.claim(), ExhaustedError);
});

test("finds free slots that a pool does not know", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 4 }, as("a"));
  for (let count = 0; count < 5; count++) await slots.claim();
  await slots.release(await held(slots.range.start + 3));
  await store.server.cli("zrem", `test:{host-1:uid}:free:${BASE}-${BASE + 4}`, String(BASE + 3));
  assertEquals(await slots.claim(), BASE + 3);
  await assertRejects(() => slots.claim(), ExhaustedError);

  function held(slot: number) {
    return slots.kind.toSlot(slot);
  }
});

test("claims again what it holds when the server comes back empty", {}, async (store) => {
  const log = new RecordingLogger();
  const a = await store.open({ start: BASE, end: BASE + 5 }, { ...as("a"), log });
  const b = await store.open({ start: BASE, end: BASE + 5 }, as("b"));
  const held = [await a.claim(), await b.claim(), await a.claim()];
  await store.server.stop();
  await store.server.forget();
  await store.server.start();
  await until(() => a.inUse().then((count) => count === 3, () => false), {
    what: "all claims are back",
  });
  assertEquals(log.at("warn").filter(({ message }) => /forgotten/.test(message)).length, 2);
  const others = [await a.claim(), await b.claim(), await a.claim()];
  assertEquals(new Set([...held, ...others]).size, 6);
  await assertRejects(() => b.claim(), ExhaustedError);
});

test("claims again what it holds when everything is flushed", {}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 3 }, as("a"));
  const held = [await slots.claim(), await slots.claim()];
  await store.server.cli("flushall");
  const next = await slots.claim();
  assert(!held.includes(next), `${next} is held already`);
  await until(async () => await slots.inUse() === 3, { what: "all claims are back" });
  for (const slot of [...held, next]) await slots.release(slot);
  assertEquals(await slots.inUse(), 0);
});

for (const how of ["stop", "kill"] as const) {
  test(`loses nothing when the server restarts after ${how}`, {}, async (store) => {
    const slots = await store.open({ start: BASE, end: BASE + 9 }, as("a"));
    const held = [await slots.claim(), await slots.claim()];
    await store.server[how]();
    await assertRejects(() => slots.claim(), StoreUnavailableError);
    await assertRejects(() => slots.claim(), StoreUnavailableError, "refuses connections");
    const [given] = held.splice(0, 1);
    assert(given !== undefined);
    await slots.release(given);
    await store.server.start();
    await until(() => slots.inUse().then((count) => count === 1, () => false), {
      what: "the late release arrives",
    });
    const more = [];
    while (more.length < 9) more.push(await slots.claim());
    assertEquals(new Set([...held, ...more]).size, 10);
  });
}

test("forgets ranges that no server has had for 7 days", {}, async (store) => {
  const ranges = "test:{host-1:uid}:ranges";
  await store.open({ start: BASE, end: BASE + 1 }, as("a"));
  await store.open({ start: BASE, end: BASE + 2 }, as("b"));
  const daysAgo = (days: number) => String(Math.floor(Date.now() / 1000) - days * 24 * 3600);
  await store.server.cli("hset", ranges, `range:${BASE}-${BASE + 1}`, daysAgo(7.1));
  await store.server.cli("hset", ranges, `range:${BASE}-${BASE + 2}`, daysAgo(6.9));
  const slots = await store.open({ start: BASE, end: BASE + 3 }, as("c"));
  const fields = (await store.server.cli("hkeys", ranges)).split("\n");
  assertEquals(fields.filter((field) => field.startsWith("range:")).sort(), [
    `range:${BASE}-${BASE + 2}`,
    `range:${BASE}-${BASE + 3}`,
  ]);
  assertEquals(
    await store.server.cli("exists", `test:{host-1:uid}:free:${BASE}-${BASE + 1}`),
    "0",
  );
  await slots.release(await slots.claim());
});

test("fails in time while a script blocks the server, and goes on after it", {
  settings: { "busy-reply-threshold": "20" },
}, async (store) => {
  const slots = await store.open({ start: BASE, end: BASE + 1 }, { ...as("a"), deadlineMs: 1000 });
  const endless = store.server.cli("eval", "while true do end", "0");
  await until(async () => (await store.server.cli("ping")).startsWith("BUSY"), { what: "BUSY" });
  const error = await assertRejects(() => slots.claim(), StoreUnavailableError);
  assert(/is busy with a script that does not end$/.test(error.message), error.message);
  await store.server.cli("script", "kill");
  await endless;
  await until(() => slots.claim().then(() => true, () => false), { what: "claims work again" });
  await until(async () => await slots.inUse() === 1, { what: "no claim is lost" });
});

test("works on a node of a cluster, which checks the keys of scripts", {
  settings: { "cluster-enabled": "yes", "cluster-port": String(freePort()) },
}, async (store) => {
  await store.server.cli("cluster", "addslotsrange", "0", "16383");
  await until(async () => /cluster_state:ok/.test(await store.server.cli("cluster", "info")), {
    what: "the cluster is complete",
  });
  const apart = redisScript("return {KEYS[1], KEYS[2]}");
  const redis = await store.connect();
  await assertRejects(
    () => redis.run("cannot try", apart, { keys: ["a", "b"], args: [] }),
    StoreUnavailableError,
    "CROSSSLOT",
  );
  const slots = await store.open({ start: BASE, end: BASE + 5 }, as("a"));
  const larger = await store.open({ start: BASE, end: BASE + 9 }, as("b"));
  const held = [await slots.claim(), await larger.claim()];
  await slots.release(await slots.claim());
  assertEquals([await slots.inUse(), await larger.inUse()], [2, 2]);
  const caller = await store.open({ start: BASE, end: BASE + 9 }, {
    ...as("c"),
    isLive: ({ serverId }) => Promise.resolve(serverId === "server-b"),
  });
  assertEquals(await caller.reclaimOrphans(), 1);
  assertEquals(new Set(held).size, 2);
});

function as(server: string): OpenOptions {
  return {
    owner: { hostId: "host-1", serverId: `server-${server}`, pid: 4711, startedAt: "boot:17" },
    isLive: () => Promise.resolve(true),
    direct: true,
    deadlineMs: 30_000,
  };
}

async function callsOf(store: RedisStore): Promise<Map<string, number>> {
  const stats = await store.server.cli("info", "commandstats");
  return new Map(
    Array.from(
      stats.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm),
      ([, name = "", calls]) => [name, Number(calls)],
    ),
  );
}

function test(
  behaviour: string,
  options: RedisServerOptions,
  body: (store: RedisStore) => Promise<void>,
): void {
  Deno.test({
    name: `RedisAllocator ${behaviour}`,
    ...NEEDS,
    async fn() {
      await using store = await RedisStore.start("tcp", options);
      await body(store);
    },
  });
}
