import { silentLogger, systemClock } from "#src/core/mod.ts";
import { migrate, openPostgres, SLOT_TABLES } from "#src/allocator/postgres/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import type { PostgresServer } from "#tests/support/postgres_server.ts";
import type { PostgresStore } from "./support/postgres_store.ts";
import { BASE, openUids, postgresTests } from "./support/postgres_tests.ts";

const test = postgresTests();

/** What a server needs when somebody else has made the tables. */
const LEAST_RIGHTS: readonly string[] = [
  "USAGE ON SCHEMA blockyard",
  "SELECT ON blockyard.migrations",
  "SELECT, INSERT, UPDATE ON blockyard.slots",
  "USAGE ON SEQUENCE blockyard.turns",
];

/** Makes a role that may log in and nothing else; it is gone with its rights after the test. */
async function withRole(
  store: PostgresStore,
  server: PostgresServer,
  body: (role: string, connect: () => ReturnType<typeof openPostgres>) => Promise<void>,
): Promise<void> {
  const role = `role_${store.database}`;
  await server.psql(`CREATE ROLE ${role} LOGIN PASSWORD 'hunter2'`);
  const url = server.url({ database: store.database, user: role, password: "hunter2" });
  try {
    await body(
      role,
      () => openPostgres({ url, deadlineMs: 30_000, log: silentLogger, clock: systemClock }),
    );
  } finally {
    await store.psql(`DROP OWNED BY ${role} CASCADE; DROP ROLE ${role}`);
  }
}

test("a role that may create in the database makes what it needs", async (store, server) => {
  await withRole(store, server, async (role, connect) => {
    await store.psql(`GRANT CREATE ON DATABASE ${store.database} TO ${role}`);
    await using postgres = await connect();
    await using slots = await openUids(postgres);
    assertEquals(await slots.claim(), BASE);
  });
});

test("a role that was given the schema makes what it needs", async (store, server) => {
  await withRole(store, server, async (role, connect) => {
    await store.psql(`CREATE SCHEMA blockyard AUTHORIZATION ${role}`);
    await using postgres = await connect();
    await using slots = await openUids(postgres);
    assertEquals(await slots.claim(), BASE);
  });
});

test(
  "the least rights on the tables of another role are enough for all calls",
  async (store, server) => {
    await using admin = await store.connect();
    await migrate(admin, SLOT_TABLES);
    await withRole(store, server, async (role, connect) => {
      for (const right of LEAST_RIGHTS) await store.psql(`GRANT ${right} TO ${role}`);
      await using postgres = await connect();
      await using slots = await openUids(postgres, { size: 1 });
      await slots.release(await slots.claim());
      assertEquals(await slots.claim(), BASE);
      assertEquals(await slots.inUse(), 1);
      await using other = await openUids(postgres, {
        size: 1,
        serverId: "server-2",
        isLive: () => Promise.resolve(false),
      });
      assertEquals(await other.reclaimOrphans(), 1);
    });
  },
);

const missing: readonly (readonly [right: string, message: string])[] = [
  ["USAGE ON SCHEMA blockyard", "does not allow it: permission denied for schema blockyard"],
  [
    "SELECT ON blockyard.migrations",
    "does not allow it: permission denied for table migrations",
  ],
  ["SELECT ON blockyard.slots", "the role of its URL lacks rights, want SELECT on blockyard.slots"],
  ["INSERT ON blockyard.slots", "the role of its URL lacks rights, want INSERT on blockyard.slots"],
  ["UPDATE ON blockyard.slots", "the role of its URL lacks rights, want UPDATE on blockyard.slots"],
  [
    "USAGE ON SEQUENCE blockyard.turns",
    "the role of its URL lacks rights, want USAGE on blockyard.turns",
  ],
];
for (const [right, message] of missing) {
  test(`a role without ${right} is refused when slots are opened`, async (store, server) => {
    await using admin = await store.connect();
    await migrate(admin, SLOT_TABLES);
    await withRole(store, server, async (role, connect) => {
      for (const right of LEAST_RIGHTS) await store.psql(`GRANT ${right} TO ${role}`);
      await store.psql(`REVOKE ${right} FROM ${role}`);
      await using postgres = await connect();
      await assertRejects(() => openUids(postgres), Error, message);
    });
  });
}

test("a role that can make nothing is refused when there are no tables", async (store, server) => {
  await withRole(store, server, async (_role, connect) => {
    await using postgres = await connect();
    await assertRejects(
      () => openUids(postgres),
      Error,
      `does not allow it: permission denied for database ${store.database}`,
    );
  });
});
