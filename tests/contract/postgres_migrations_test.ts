import { migrate, type SchemaPart, SLOT_TABLES } from "#src/allocator/postgres/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { openUids, postgresTests } from "./support/postgres_tests.ts";

const test = postgresTests();

test("many servers make the tables at once", async (store) => {
  const servers = await Promise.all(Array.from({ length: 6 }, () => store.connect()));
  const slots = await Promise.all(
    servers.map((postgres, at) => openUids(postgres, { size: 6, serverId: `server-${at}` })),
  );
  assertEquals(new Set(await Promise.all(slots.map((each) => each.claim()))).size, 6);
  assertEquals(await store.psql("SELECT part, version FROM blockyard.migrations"), ["slots|1"]);
  for (const each of slots) await each.close();
});

test("tables of a newer program are refused, and left as they are", async (store) => {
  const postgres = await store.connect();
  await migrate(postgres, SLOT_TABLES);
  await store.psql("INSERT INTO blockyard.migrations VALUES ('slots', 7, 'from the future')");
  const error = await assertRejects(() => openUids(postgres), Error);
  assertEquals(
    error.message,
    `cannot use postgres at ${postgres.address}: its tables for slots are of version 7 and this ` +
      "program knows versions up to 1, want a newer program",
  );
  assertEquals(await store.psql("SELECT count(*) FROM blockyard.slots"), ["0"]);
});

test("migrations are applied in order, once, and not in part", async (store) => {
  const postgres = await store.connect();
  const first = { version: 1, name: "one", sql: "CREATE TABLE blockyard.a (n int)" };
  const broken: SchemaPart = {
    name: "test",
    migrations: [first, {
      version: 2,
      name: "two",
      sql: "CREATE TABLE blockyard.b (n int); INSERT INTO blockyard.missing VALUES (1)",
    }],
  };
  await assertRejects(() => migrate(postgres, broken), Error, "does not exist");
  assertEquals(await store.psql("SELECT to_regnamespace('blockyard') IS NULL"), ["t"]);
  await migrate(postgres, { name: "test", migrations: [first] });
  const second = { version: 2, name: "two", sql: "INSERT INTO blockyard.a VALUES (2)" };
  const whole = { name: "test", migrations: [first, second] };
  await Promise.all([migrate(postgres, whole), migrate(await store.connect(), whole)]);
  await migrate(postgres, whole);
  assertEquals(await store.psql("SELECT n FROM blockyard.a"), ["2"]);
  assertEquals(await store.psql("SELECT version, name FROM blockyard.migrations ORDER BY 1"), [
    "1|one",
    "2|two",
  ]);
});

test("every migration leads to the next version", (_store) => {
  assertEquals(
    SLOT_TABLES.migrations.map(({ version }) => version),
    SLOT_TABLES.migrations.map((_, at) => at + 1),
  );
  return Promise.resolve();
});
