import { UID_SLOTS } from "#src/allocator/mod.ts";
import { migrate, type PostgresConnection, SLOT_TABLES } from "#src/allocator/postgres/mod.ts";
import { type ServerClaim, SlotRows } from "#src/allocator/postgres/slot_rows.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { BASE, OWNER, postgresTests } from "./support/postgres_tests.ts";

const test = postgresTests();

async function openRows(
  postgres: PostgresConnection,
  { size, serverId = OWNER.serverId }: { size: number; serverId?: string },
): Promise<{ rows: SlotRows; changes: string[] }> {
  await migrate(postgres, SLOT_TABLES);
  const changes: string[] = [];
  const note = (what: string) => ({ slot, serverId, token }: ServerClaim) => {
    changes.push(`${what} ${slot} ${serverId} ${token}`);
  };
  const rows = new SlotRows(postgres, {
    owner: { ...OWNER, serverId },
    kind: UID_SLOTS,
    range: { start: BASE, end: BASE + size - 1 },
    observer: { onClaim: note("claimed"), onRelease: note("released") },
  });
  await rows.fill();
  return { rows, changes };
}

test("a release that comes late does not touch the next claim of the slot", async (store) => {
  const { rows } = await openRows(await store.connect(), { size: 1 });
  assertEquals(await rows.claim("first"), BASE);
  assertEquals(await rows.release(BASE, "first"), true);
  assertEquals(await rows.claim("second"), BASE);
  assertEquals(await rows.release(BASE, "first"), false);
  assertEquals(await rows.listOwn(), [{ slot: BASE, token: "second" }]);
  assertEquals(await rows.release(BASE, "second"), true);
  assertEquals(await rows.listOwn(), []);
});

test("claims and releases of the same moment each get what is theirs", async (store) => {
  const { rows, changes } = await openRows(await store.connect(), { size: 3 });
  const tokens = ["a", "b", "c", "d"];
  const slots = await Promise.all(tokens.map((token) => rows.claim(token)));
  assertEquals(slots, [BASE, BASE + 1, BASE + 2, undefined]);
  assertEquals(
    (await rows.listOwn()).toSorted((a, b) => a.slot - b.slot),
    ["a", "b", "c"].map((token, at) => ({ slot: BASE + at, token })),
  );
  assertEquals(
    await Promise.all([
      rows.release(BASE, "a"),
      rows.release(BASE + 1, "d"),
      rows.release(BASE + 2, "c"),
    ]),
    [true, false, true],
  );
  assertEquals(await rows.listClaims(), [{ slot: BASE + 1, serverId: "server-1", token: "b" }]);
  assertEquals(changes.filter((change) => change.startsWith("claimed")).toSorted(), [
    `claimed ${BASE} server-1 a`,
    `claimed ${BASE + 1} server-1 b`,
    `claimed ${BASE + 2} server-1 c`,
  ]);
});

test("a forgotten claim is made again unless somebody has the slot", async (store) => {
  const postgres = await store.connect();
  const { rows } = await openRows(postgres, { size: 2 });
  const { rows: others } = await openRows(postgres, { size: 2, serverId: "server-2" });
  assertEquals(await rows.claim("mine"), BASE);
  assertEquals(await rows.restore(BASE, "mine"), true);
  await store.psql(`DELETE FROM blockyard.slots WHERE slot = ${BASE}`);
  assertEquals(await rows.restore(BASE, "mine"), true);
  await rows.release(BASE, "mine");
  assertEquals(await rows.restore(BASE, "mine"), true);
  assertEquals(await others.claim("theirs"), BASE + 1);
  assertEquals(await rows.restore(BASE + 1, "mine too"), false);
  assertEquals(await store.psql("SELECT slot, server_id, token FROM blockyard.slots ORDER BY 1"), [
    `${BASE}|server-1|mine`,
    `${BASE + 1}|server-2|theirs`,
  ]);
});

test("the claims of a server are freed only for the very process that was judged", async (store) => {
  const postgres = await store.connect();
  const { rows } = await openRows(postgres, { size: 3 });
  const { rows: judge } = await openRows(postgres, { size: 3, serverId: "server-2" });
  await rows.claim("a");
  await rows.claim("b");
  assertEquals(await judge.listServers(), [
    { serverId: "server-1", pid: 4711, startedAt: "boot:17" },
  ]);
  assertEquals(await rows.listServers(), []);
  for (const other of [{ pid: 4712 }, { startedAt: "boot:18" }, { serverId: "server-3" }]) {
    assertEquals(await judge.freeServer({ ...OWNER, ...other }), 0);
  }
  assertEquals(await judge.freeServer(OWNER), 2);
  assertEquals(await judge.count(), { rows: 3, inUse: 0 });
});
