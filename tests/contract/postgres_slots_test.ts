import { ExhaustedError, silentLogger, systemClock } from "#src/core/mod.ts";
import { PORT_SLOTS, UID_SLOTS } from "#src/allocator/mod.ts";
import { PostgresAllocator } from "#src/allocator/postgres/mod.ts";
import { assertEquals, assertLess, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { until } from "#tests/support/until.ts";
import { BASE, openUids, OWNER, postgresTests } from "./support/postgres_tests.ts";

const test = postgresTests();

test("a claim is a row that says who has what, and a release leaves nothing of it", async (store) => {
  const postgres = await store.connect();
  await using slots = await openUids(postgres, { size: 2 });
  const slot = await slots.claim();
  const look = "SELECT host_id, kind, slot, server_id, pid, started_at, length(token) > 16, " +
    "age(claimed_at) < '1 hour' FROM blockyard.slots ORDER BY slot";
  assertEquals(await store.psql(look), [
    `host-1|uid|${slot}|server-1|4711|boot:17|t|t`,
    `host-1|uid|${BASE + 1}|||||`,
  ]);
  await slots.release(slot);
  assertEquals(await store.psql(look), [
    `host-1|uid|${BASE}|||||`,
    `host-1|uid|${BASE + 1}|||||`,
  ]);
});

test("ports and uids with the same numbers are different slots", async (store) => {
  const postgres = await store.connect();
  const options = {
    postgres,
    owner: OWNER,
    isLive: () => Promise.resolve(true),
    log: silentLogger,
    clock: systemClock,
  };
  const ports = await PostgresAllocator.open(PORT_SLOTS, { start: 10000, end: 10000 }, options);
  const uids = await PostgresAllocator.open(UID_SLOTS, { start: 10000, end: 10000 }, options);
  assertEquals([Number(await ports.claim()), Number(await uids.claim())], [10000, 10000]);
  await ports.close();
  await uids.close();
  assertEquals(await store.psql("SELECT kind FROM blockyard.slots ORDER BY 1"), ["port", "uid"]);
});

test("rows that went missing are made again before a claim is refused", async (store) => {
  await using slots = await openUids(await store.connect(), { size: 3 });
  const slot = await slots.claim();
  await store.psql(`DELETE FROM blockyard.slots WHERE slot <> ${slot}`);
  assertEquals([await slots.claim(), await slots.claim()].sort(), [BASE + 1, BASE + 2]);
  const error = await assertRejects(() => slots.claim(), ExhaustedError);
  assertMatch(error.message, /: 3 of 3 are in use$/);
});

test("a slot whose release was overtaken is found before a claim is refused", async (store) => {
  await using slots = await openUids(await store.connect(), { size: 2 });
  const held = [await slots.claim(), await slots.claim()];
  for (const slot of held) await slots.release(slot);
  assertEquals(await slots.claim(), held[0]);
  assertEquals(await slots.claim(), held[1]);
  // As a release does that took its turn earlier and became visible later.
  await store.psql(
    "UPDATE blockyard.slots SET turn = 0, server_id = NULL, pid = NULL, started_at = NULL, " +
      `token = NULL, claimed_at = NULL WHERE slot = ${held[0]}`,
  );
  await using other = await openUids(await store.connect(), { size: 2, serverId: "server-2" });
  assertEquals(await other.claim(), held[0]);
});

test("a claim does not walk over what earlier ones have used up", async (store) => {
  const postgres = await store.connect();
  const slots = await openUids(postgres, { size: 10 });
  const cycles = 300;
  // While an old snapshot is open, no entry of the index can be cleaned away.
  const reader = await store.connect();
  await reader.transaction(async (session) => {
    await session.query({ text: "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ" });
    await session.query({ text: "SELECT 1" });
    for (let cycle = 0; cycle < cycles; cycle++) await slots.release(await slots.claim());
  }, { action: "look on", deadlineMs: 60_000 });
  await slots.close();
  // The counters arrive when the connections end.
  await postgres.close();
  const read = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'slots_free'";
  const entries = await until(
    async () => Number((await store.psql(read))[0]) || undefined,
    { what: "the counters of the index" },
  );
  // Walking from the start each time reads the sum of 1 to 300.
  assertLess(entries, 10 * cycles);
});

test("a claim takes no second look at a row that another is about to take", async (store) => {
  await using slots = await openUids(await store.connect(), { size: 2 });
  const other = await store.connect();
  await other.transaction(async (session) => {
    await session.query({
      text: `SELECT FROM blockyard.slots WHERE slot = ${BASE} FOR UPDATE`,
    });
    assertEquals(await slots.claim(), BASE + 1);
  }, { action: "hold a row", deadlineMs: 30_000 });
  assertEquals(await slots.claim(), BASE);
});
