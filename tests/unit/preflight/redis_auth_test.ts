import { loadConfig } from "#src/config/mod.ts";
import type { Finding, Severity } from "#src/preflight/mod.ts";
import { redisAuth } from "#src/preflight/redis_auth.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { fakeHost } from "./fake_host.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

async function findingFor(url: string): Promise<Finding> {
  const env = url === "" ? {} : { BLOCKYARD_REDIS_URL: url };
  const config = loadConfig({ env, isRoot: true, readFile: () => "" });
  const [finding] = [await redisAuth.run(fakeHost({ config }))].flat();
  assert(finding !== undefined);
  return finding;
}

/** What a real server says in states that are hard to bring it into, and what others say. */
const ANSWERS: readonly [answer: string, severity: Severity][] = [
  ["+PONG\r\n", "error"],
  ["-LOADING Redis is loading the dataset in memory\r\n", "error"],
  ["-NOAUTH Authentication required.\r\n", "ok"],
  // Somebody without a password is let in then, if not to this.
  ["-NOPERM this user has no permissions to run the 'ping' command\r\n", "warning"],
  ["-DENIED Redis is running in protected mode\r\n", "warning"],
  ["-ERR operation not permitted\r\n", "ok"],
  ["-ERR max number of clients reached\r\n", "warning"],
  ["HTTP/1.1 400 Bad Request\r\n", "warning"],
  ["no end of a line", "warning"],
  ["", "info"],
];
for (const [answer, severity] of ANSWERS) {
  Deno.test(`${JSON.stringify(answer)} for a PING is ${severity}`, SANE, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answered = (async () => {
      using connection = await listener.accept();
      const buffer = new Uint8Array(64);
      const read = await connection.read(buffer);
      // In two parts, as a network may deliver it.
      const bytes = new TextEncoder().encode(answer);
      await connection.write(bytes.subarray(0, 2));
      await connection.write(bytes.subarray(2));
      return new TextDecoder().decode(buffer.subarray(0, read ?? 0));
    })();
    const finding = await findingFor(`redis://127.0.0.1:${listener.addr.port}`);
    assertEquals(finding.severity, severity);
    assertEquals(await answered, "*1\r\n$4\r\nPING\r\n");
  });
}

Deno.test("no Redis is fine, and TLS is not looked through", SANE, async () => {
  assertEquals((await findingFor("")).severity, "ok");
  const finding = await findingFor("rediss://u:s3cret@127.0.0.1:7000");
  assertEquals(finding.severity, "info");
  assertStringIncludes(finding.message, "127.0.0.1:7000");
  assert(!JSON.stringify(finding).includes("s3cret"));
});

Deno.test("what answers and then falls silent is no silent Redis", SANE, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held = Promise.withResolvers<void>();
  const answered = (async () => {
    using connection = await listener.accept();
    await connection.write(new TextEncoder().encode("hello"));
    await held.promise;
  })();
  const finding = await findingFor(`redis://127.0.0.1:${listener.addr.port}`);
  held.resolve();
  await answered;
  assertEquals(finding.severity, "warning");
  assertStringIncludes(finding.message, 'is not understood as Redis: "hello"');
});

Deno.test("an error that says nothing of passwords is told as it is", SANE, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = (async () => {
    using connection = await listener.accept();
    await connection.write(new TextEncoder().encode("-ERR max number of clients reached\r\n"));
  })();
  const finding = await findingFor(`redis://127.0.0.1:${listener.addr.port}`);
  await answered;
  assertEquals(finding.severity, "warning");
  assertStringIncludes(
    finding.message,
    'could not be asked whether it wants a password: it says "-ERR',
  );
});
