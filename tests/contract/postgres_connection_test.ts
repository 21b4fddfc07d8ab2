import { errorMessage, StoreUnavailableError, UsageError } from "#src/core/mod.ts";
import { silentLogger, systemClock } from "#src/core/mod.ts";
import { openPostgres, type PostgresOptions } from "#src/allocator/postgres/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { PASSWORD, PostgresServer } from "#tests/support/postgres_server.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

const open = (url: string, options: Partial<PostgresOptions> = {}) =>
  openPostgres({ url, log: silentLogger, clock: systemClock, deadlineMs: 30_000, ...options });

/** Opening has to fail, and nothing that it says may hold a password or the whole URL. */
async function failure<E extends Error>(
  url: string,
  // deno-lint-ignore no-explicit-any -- constructors differ in their parameters
  type: abstract new (...args: any[]) => E,
  options: Partial<PostgresOptions> = {},
): Promise<string> {
  const error = await assertRejects(() => open(url, options), type);
  const message = errorMessage(error);
  assert(!message.includes(url), message);
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), "hunter2"]) {
    assert(!Deno.inspect(error, { depth: 10 }).includes(secret), message);
  }
  return message;
}

for (const way of ["tcp", "a unix socket"]) {
  Deno.test(
    `openPostgres() reaches a server over ${way} and names its place`,
    sanitize,
    async () => {
      const isTcp = way === "tcp";
      const url = isTcp ? server.url() : server.url({ socketFolder: server.socketFolder });
      await using postgres = await open(url);
      const place = isTcp
        ? `127.0.0.1:${server.port}`
        : `${server.socketFolder}/.s.PGSQL.${server.port}`;
      assertEquals(postgres.address, place);
      const question = { text: "SELECT $1::int + 1 AS sum" };
      assertEquals(await postgres.run(question, [41], { action: "add" }), [{ sum: 42 }]);
    },
  );
}

Deno.test("openPostgres() takes the password from PGPASSFILE", sanitize, async () => {
  await using folder = await tempFolder();
  const file = await folder.write(
    "pgpass",
    `127.0.0.1:${server.port}:postgres:postgres:${PASSWORD.replaceAll(":", "\\:")}\n`,
  );
  await Deno.chmod(file, 0o600);
  Deno.env.set("PGPASSFILE", file);
  try {
    await using postgres = await open(server.url({ password: undefined }));
    assertEquals(await postgres.run({ text: "SELECT 1 AS one" }, [], { action: "count" }), [
      { one: 1 },
    ]);
  } finally {
    Deno.env.delete("PGPASSFILE");
  }
});

for (
  const url of [
    "",
    "localhost",
    "redis://127.0.0.1:6379",
    "https://user:hunter2@example.org/db",
    "postgresql:user:hunter2@host",
    "postgresql://user:hunter2@host:99999/db",
    "postgresql://user:hunter2@[::1/db",
    "postgresql://user:hunter2@host/db?port=x",
  ]
) {
  Deno.test(`openPostgres() refuses ${JSON.stringify(url)} as a URL`, sanitize, async () => {
    const error = await assertRejects(() => open(url), UsageError);
    assertMatch(error.message, /^cannot use the URL of the database: want postgresql:\/\/USER/);
    assertNotMatch(Deno.inspect(error), /hunter2/);
  });
}

Deno.test(
  "openPostgres() names the file that a URL wants and nobody can read",
  sanitize,
  async () => {
    const url = `${server.url()}?sslrootcert=/nowhere/root.pem`;
    assertStringIncludes(await failure(url, UsageError), "'/nowhere/root.pem'");
  },
);

Deno.test("openPostgres() tells of a wrong password", sanitize, async () => {
  assertEquals(
    await failure(server.url({ password: "hunter2" }), Error),
    `cannot open the database: postgres at 127.0.0.1:${server.port} does not accept the user and ` +
      "password: want those of a role that may log in, in the URL or in PGPASSFILE: " +
      'password authentication failed for user "postgres"',
  );
});

Deno.test("openPostgres() tells of a missing password", sanitize, async () => {
  const message = await failure(server.url({ password: undefined }), Error);
  assertStringIncludes(message, `127.0.0.1:${server.port} does not accept the user and password`);
});

Deno.test("openPostgres() tells of a database that does not exist", sanitize, async () => {
  assertEquals(
    await failure(server.url({ database: "nothing" }), Error),
    `cannot open the database: postgres at 127.0.0.1:${server.port} refuses it: ` +
      'database "nothing" does not exist',
  );
});

Deno.test("openPostgres() tells of a place where nobody listens", sanitize, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  assertMatch(
    await failure(server.url({ port }), StoreUnavailableError),
    new RegExp(`^cannot open the database: postgres at 127.0.0.1:${port} cannot be reached: `),
  );
});

Deno.test("openPostgres() gives a server up that says nothing", sanitize, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  assertEquals(
    await failure(server.url({ port }), StoreUnavailableError, { deadlineMs: 300 }),
    `cannot open the database: postgres at 127.0.0.1:${port} did not answer within 300 ms`,
  );
});

Deno.test("openPostgres() refuses a session that may only read", sanitize, async () => {
  await server.psql(`CREATE ROLE reader LOGIN PASSWORD 'hunter2'`);
  await server.psql("ALTER ROLE reader SET default_transaction_read_only = on");
  assertMatch(
    await failure(server.url({ user: "reader", password: "hunter2" }), StoreUnavailableError),
    /takes no changes, it is a standby or set to read-only: want the primary/,
  );
});

Deno.test(
  "openPostgres() refuses a standby, and takes it once it is promoted",
  sanitize,
  async () => {
    await using standby = await PostgresServer.startStandby(server);
    assertMatch(
      await failure(standby.url(), StoreUnavailableError),
      /takes no changes, it is a standby or set to read-only: want the primary/,
    );
    await standby.psql("SELECT pg_promote()");
    await using postgres = await open(standby.url());
    assertEquals(await postgres.run({ text: "SELECT 1 AS one" }, [], { action: "count" }), [
      { one: 1 },
    ]);
  },
);

Deno.test("a transaction is undone when it fails or takes too long", sanitize, async () => {
  await server.psql("CREATE TABLE notes (note text)");
  await using postgres = await open(server.url());
  const insert = { text: "INSERT INTO notes VALUES ($1)" };
  await assertRejects(
    () =>
      postgres.transaction(async (session) => {
        await session.query(insert, ["first"]);
        throw new Error("changed my mind");
      }, { action: "take a note", deadlineMs: 30_000 }),
    Error,
    "changed my mind",
  );
  const error = await assertRejects(
    () =>
      postgres.transaction(async (session) => {
        await session.query(insert, ["second"]);
        await session.query({ text: "SELECT pg_sleep(60)" });
      }, { action: "take a note", deadlineMs: 200 }),
    StoreUnavailableError,
  );
  assertMatch(error.message, /^cannot take a note: postgres at \S+ did not answer within 200 ms$/);
  await postgres.transaction((session) => session.query(insert, ["third"]), {
    action: "take a note",
    deadlineMs: 30_000,
  });
  assertEquals(await server.psql("SELECT note FROM notes"), ["third"]);
});

Deno.test("a closed connection refuses calls", sanitize, async () => {
  const postgres = await open(server.url());
  await postgres.close();
  await postgres.close();
  const error = await assertRejects(
    () => postgres.run({ text: "SELECT" }, [], { action: "ask" }),
    Error,
  );
  assertEquals(error.message, "cannot ask: the connection is closed");
  assertEquals(
    await server.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'blockyard'"),
    ["0"],
  );
});
