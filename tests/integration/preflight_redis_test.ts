/** Real Redis servers, asked by somebody who names no password. */
import { loadConfig } from "#src/config/mod.ts";
import type { Finding } from "#src/preflight/mod.ts";
import { redisAuth } from "#src/preflight/redis_auth.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { freePort, REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { fakeHost } from "#tests/unit/preflight/fake_host.ts";

const redis = needs({ files: REDIS_PROGRAMS });

async function findingFor(url: string): Promise<Finding> {
  const env = { BLOCKYARD_REDIS_URL: url };
  const config = loadConfig({ env, isRoot: true, readFile: () => "" });
  const [finding, ...more] = [await redisAuth.run(fakeHost({ config }))].flat();
  assert(finding !== undefined && more.length === 0);
  assert(!JSON.stringify(finding).includes("s3cret"));
  return finding;
}

Deno.test("Redis without a password is an error, even where the URL names one", redis, async () => {
  await using server = await RedisServer.start();
  const finding = await findingFor(`redis://u:s3cret@127.0.0.1:${server.port}/1`);
  assertEquals(finding.severity, "error");
  assertStringIncludes(finding.message, `Redis at 127.0.0.1:${server.port} answers whoever`);
  const local = await findingFor(`redis+unix://${server.socketPath}`);
  assertEquals(local.severity, "warning");
  assertStringIncludes(local.message, server.socketPath);
});

Deno.test("Redis with a password is fine", redis, async () => {
  await using server = await RedisServer.start({ settings: { requirepass: "s3cret" } });
  for (const place of [`redis://:s3cret@127.0.0.1:${server.port}`, `unix://${server.socketPath}`]) {
    assertEquals((await findingFor(place)).severity, "ok");
  }
});

Deno.test(
  "Redis whose default user is off is fine, users with passwords or not",
  redis,
  async () => {
    await using server = await RedisServer.start();
    const url = `redis://robot:s3cret@127.0.0.1:${server.port}`;
    const open = await findingFor(url);
    assert(open.severity === "error");
    assertStringIncludes(
      open.fix.text,
      "or turn its user default off and make one with a password",
    );
    assertEquals(await server.cli("acl", "setuser", "robot", "on", ">s3cret", "~*", "+@all"), "OK");
    assertEquals((await findingFor(url)).severity, "error");
    assertEquals(await server.cli("acl", "setuser", "default", "off"), "OK");
    assertEquals((await findingFor(url)).severity, "ok");
  },
);

Deno.test("Redis whose default user may all but ping is not called closed", redis, async () => {
  await using server = await RedisServer.start();
  assertEquals(await server.cli("acl", "setuser", "default", "-ping"), "OK");
  const finding = await findingFor(`redis://127.0.0.1:${server.port}`);
  assertEquals(finding.severity, "warning");
  assertStringIncludes(finding.message, "lets in who names no password");
  // So it does.
  assertEquals(await server.cli("set", "somebody", "was here"), "OK");
});

Deno.test("Redis with no room for one more client is not called closed", redis, async () => {
  await using server = await RedisServer.start();
  assertEquals(await server.cli("config", "set", "maxclients", "1"), "OK");
  using _only = await Deno.connect({ transport: "unix", path: server.socketPath });
  const finding = await findingFor(`redis://127.0.0.1:${server.port}`);
  assertEquals(finding.severity, "warning");
  assertStringIncludes(finding.message, "could not be asked whether it wants a password");
});

Deno.test("Redis that is frozen or away is told as it is", redis, async () => {
  await using server = await RedisServer.start();
  server.pause();
  const frozen = await findingFor(`redis://127.0.0.1:${server.port}`);
  server.resume();
  assertEquals(frozen.severity, "info");
  assertStringIncludes(frozen.message, "no answer within 2 s");
  const away = await findingFor(`redis://u:s3cret@127.0.0.1:${freePort()}`);
  assertEquals(away.severity, "info");
  assertStringIncludes(away.message, "Connection refused");
});
