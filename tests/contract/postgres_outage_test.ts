import { errorMessage, ExhaustedError } from "#src/core/mod.ts";
import { silentLogger, StoreUnavailableError, systemClock } from "#src/core/mod.ts";
import { openPostgres } from "#src/allocator/postgres/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { PostgresServer } from "#tests/support/postgres_server.ts";
import { until } from "#tests/support/until.ts";
import { BASE, claimMany, openUids, postgresTests } from "./support/postgres_tests.ts";

const test = postgresTests();

test("a call that waits for a lock fails in time and leaves nothing behind", async (store) => {
  const postgres = await store.connect({ deadlineMs: 500 });
  await using slots = await openUids(postgres);
  const other = await store.connect();
  await other.transaction(async (session) => {
    await session.query({ text: "LOCK TABLE blockyard.slots IN ACCESS EXCLUSIVE MODE" });
    const error = await assertRejects(() => slots.claim(), StoreUnavailableError);
    assertEquals(
      error.message,
      `cannot claim a uid: postgres at ${postgres.address} did not answer within 500 ms`,
    );
  }, { action: "hold the table", deadlineMs: 30_000 });
  assertEquals(await slots.claim(), BASE);
  assertEquals(await slots.inUse(), 1);
});

for (const outage of ["stands still", "crashes"] as const) {
  Deno.test({
    name: `claims fail in time while the server ${outage}, and none is lost`,
    sanitizeOps: true,
    sanitizeResources: true,
    async fn() {
      await using own = await PostgresServer.start();
      const url = own.url();
      await using postgres = await openPostgres({
        url,
        deadlineMs: 1000,
        log: silentLogger,
        clock: systemClock,
      });
      await using slots = await openUids(postgres, { size: 20 });
      const held = await claimMany(slots, 3);
      const [released] = held.splice(0, 1);
      assert(released !== undefined);
      if (outage === "crashes") await own.stop();
      else own.pause();
      const tries = await Promise.allSettled(Array.from({ length: 12 }, () => slots.claim()));
      for (const { status, reason } of tries as PromiseRejectedResult[]) {
        assertEquals(status, "rejected");
        assert(reason instanceof StoreUnavailableError, errorMessage(reason));
        assertMatch(reason.message, /^cannot claim a uid: postgres at 127\.0\.0\.1:\d+ /);
      }
      await slots.release(released);
      if (outage === "crashes") await own.start();
      else own.resume();
      const count = "SELECT count(*) FROM blockyard.slots WHERE server_id IS NOT NULL";
      await until(async () => (await own.psql(count))[0] === "2", { what: "only two are claimed" });
      const others = await claimMany(slots, 18);
      assertEquals(new Set([...held, ...others]).size, 20);
      await assertRejects(() => slots.claim(), ExhaustedError);
    },
  });
}
