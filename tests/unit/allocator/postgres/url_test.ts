import { UsageError } from "#src/core/mod.ts";
import { postgresAddress } from "#src/allocator/postgres/url.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };
const URL_TEXT = "postgresql://app:hunter2@host/db";

const addresses: readonly (readonly [host: string, port: number, address: string])[] = [
  ["db.example", 5432, "db.example:5432"],
  ["127.0.0.1", 1, "127.0.0.1:1"],
  ["::1", 65535, "[::1]:65535"],
  ["/run/postgresql", 5433, "/run/postgresql/.s.PGSQL.5433"],
];
for (const [host, port, address] of addresses) {
  Deno.test(`postgresAddress() writes ${address}`, sanitize, () => {
    assertEquals(postgresAddress(URL_TEXT, () => ({ host, port })), address);
  });
}

for (const port of [0, 65536, NaN]) {
  Deno.test(`postgresAddress() refuses port ${port}`, sanitize, () => {
    assertThrows(() => postgresAddress(URL_TEXT, () => ({ host: "a", port })), UsageError);
  });
}

Deno.test("postgresAddress() asks the driver only about URLs of PostgreSQL", sanitize, () => {
  for (const url of ["", "db", "mysql://host/db", " postgresql://host/db"]) {
    assertThrows(
      () => postgresAddress(url, () => ({ host: "base", port: 5432 })),
      UsageError,
      "want postgresql://USER:PASSWORD@HOST:PORT/DATABASE",
    );
  }
});

Deno.test("postgresAddress() does not repeat what the driver says about the URL", sanitize, () => {
  const error = assertThrows(() =>
    postgresAddress(URL_TEXT, () => {
      throw new TypeError("Invalid URL: postgresql://app:hunter2@host/db");
    }), UsageError);
  assertEquals(Deno.inspect(error).includes("hunter2"), false);
});
