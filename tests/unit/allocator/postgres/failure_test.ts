import { StoreUnavailableError } from "#src/core/mod.ts";
import { storeFailure, tooSlow } from "#src/allocator/postgres/failure.ts";
import { assertEquals, assertInstanceOf } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };
const CALL = { action: "claim a port", address: "db.example:5432", deadlineMs: 2000 };

const START = "cannot claim a port: postgres at db.example:5432";

const PASSING: readonly (readonly [code: string, said: string, message: string])[] = [
  ["57014", "canceling statement due to statement timeout", "did not answer within 2 s"],
  ["55P03", "canceling statement due to lock timeout", "did not answer within 2 s"],
  [
    "25006",
    "cannot execute UPDATE in a read-only transaction",
    "takes no changes, it is a standby or set to read-only: want the primary",
  ],
  ["57P03", "the system is starting up", "is not ready: the system is starting up"],
  ["57P01", "terminating connection", "is not ready: terminating connection"],
  ["53300", "sorry, too many clients already", "is not ready: sorry, too many clients already"],
  ["40P01", "deadlock detected", "is not ready: deadlock detected"],
  ["08006", "connection failure", "is not ready: connection failure"],
  ["ECONNREFUSED", "connect refused", "cannot be reached: connect refused"],
  ["EPIPE", "write EPIPE", "cannot be reached: write EPIPE"],
  ["EBUSY", "resource busy", "cannot be reached: resource busy"],
];
for (const [code, said, message] of PASSING) {
  Deno.test(`storeFailure() takes ${code} for something that passes`, sanitize, () => {
    const cause = Object.assign(new Error(said), { code });
    const error = storeFailure(cause, CALL);
    assertInstanceOf(error, StoreUnavailableError);
    assertEquals(error.message, `${START} ${message}`);
    assertEquals(error.cause, cause);
  });
}

const LASTING: readonly (readonly [code: string | undefined, said: string, message: string])[] = [
  [
    "28P01",
    'password authentication failed for user "app"',
    "does not accept the user and password: want those of a role that may log in, in the URL or " +
    "in PGPASSFILE",
  ],
  [
    undefined,
    "SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string",
    "does not accept the user and password: want those of a role that may log in, in the URL or " +
    "in PGPASSFILE",
  ],
  [
    "28000",
    'role "app" is not permitted to log in',
    'refuses it: role "app" is not permitted to log in',
  ],
  ["3D000", 'database "x" does not exist', 'refuses it: database "x" does not exist'],
  [
    "42501",
    "permission denied for table slots",
    "does not allow it: permission denied for table slots",
  ],
];
for (const [code, said, message] of LASTING) {
  Deno.test(`storeFailure() takes ${code ?? said} for a wrong configuration`, sanitize, () => {
    const cause = Object.assign(new Error(said), code === undefined ? {} : { code });
    const error = storeFailure(cause, CALL);
    assertEquals([error.name, error.message], ["Error", `${START} ${message}`]);
    assertEquals(error.cause, cause);
  });
}

Deno.test(
  "storeFailure() takes a connection that just ended for something that passes",
  sanitize,
  () => {
    const error = storeFailure(new Error("Connection terminated unexpectedly"), CALL);
    assertInstanceOf(error, StoreUnavailableError);
    assertEquals(error.message, `${START} cannot be reached: Connection terminated unexpectedly`);
  },
);

Deno.test("tooSlow() tells how long the call could take", sanitize, () => {
  assertEquals(
    tooSlow({ ...CALL, deadlineMs: 350 }).message,
    `${START} did not answer within 350 ms`,
  );
});
