/** What visitors and operators see of a store that is away. */
import { fileURLToPath } from "node:url";
import { ServeProcess } from "#tests/e2e/support/server.ts";
import { assert, assertEquals, assertMatch, assertNotMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { POSTGRES_FILES, PostgresServer } from "#tests/support/postgres_server.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const PLAIN_APP = fileURLToPath(new URL("../e2e/apps/plain", import.meta.url));

const options = needs({
  root: true,
  files: [
    ...["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/perl", "/etc/machine-id"],
    ...REDIS_PROGRAMS,
    ...POSTGRES_FILES,
  ],
});

/** The server under test: that of BLOCKYARD_BIN, else the sources. */
function program(): { prefix?: string[]; executable: string } {
  const executable = Deno.env.get("BLOCKYARD_BIN");
  if (executable !== undefined) return { executable };
  return { prefix: [Deno.execPath(), "run", "--allow-all"], executable: MAIN };
}

/** Runs `serve` to its end, which must come by itself. */
async function failedStart(env: Record<string, string>): Promise<{ code: number; error: string }> {
  await using folder = await tempFolder();
  const { prefix = [], executable } = program();
  // A store without a password would be refused before it is asked for anything.
  const options = ["--demo", "--skip-preflight", "--bind", "127.0.0.1:0"];
  const [path = "", ...args] = [...prefix, executable, "serve", ...options];
  const { code, stderr } = await new Deno.Command(path, {
    args,
    env: { ...env, BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data` },
    stdin: "null",
  }).output();
  const lines = new TextDecoder().decode(stderr).trimEnd().split("\n");
  const { msg, error } = JSON.parse(lines.at(-1) ?? "{}");
  assertEquals(msg, "cannot start", lines.join("\n"));
  assertNotMatch(lines.join("\n"), /s3cret/);
  return { code, error };
}

Deno.test("a server whose Redis cannot be used says why, and ends with 1", options, async () => {
  await using redis = await RedisServer.start({ settings: { requirepass: "right" } });
  const url = `redis://:s3cret@127.0.0.1:${redis.port}`;
  const refused = await failedStart({ BLOCKYARD_REDIS_URL: url });
  assertEquals(refused.code, 1);
  assertMatch(refused.error, new RegExp(`redis at 127.0.0.1:${redis.port} .*password`));
  await redis.stop();
  const away = await failedStart({ BLOCKYARD_REDIS_URL: url });
  assertEquals(away.code, 1);
  assertMatch(away.error, new RegExp(`redis at 127.0.0.1:${redis.port} refuses connections`));
});

Deno.test(
  "a server whose PostgreSQL cannot be used says why, and ends with 1",
  options,
  async () => {
    await using postgres = await PostgresServer.start();
    const env = {
      BLOCKYARD_DATABASE_DRIVER: "postgres",
      BLOCKYARD_DATABASE_URL: postgres.url({ password: "s3cret" }),
    };
    const refused = await failedStart(env);
    assertEquals(refused.code, 1);
    assertMatch(refused.error, new RegExp(`postgres at 127.0.0.1:${postgres.port} .*password`));
    await postgres.stop();
    const away = await failedStart(env);
    assertEquals(away.code, 1);
    assertMatch(away.error, new RegExp(`postgres at 127.0.0.1:${postgres.port} .*refuse`, "i"));
  },
);

Deno.test(
  "without its store a server serves on, and starts workers again after",
  options,
  async () => {
    await using redis = await RedisServer.start();
    await using folder = await tempFolder();
    await using server = await ServeProcess.start(folder, {
      ...program(),
      apps: { plain: { path: PLAIN_APP, cmd: ["perl", "serve.pl", "{host}", "{port}"] } },
      env: { BLOCKYARD_REDIS_URL: `redis://127.0.0.1:${redis.port}` },
    });
    const visit = async (cookie?: string) => {
      const headers: HeadersInit = cookie === undefined ? {} : { Cookie: cookie };
      const answer = await fetch(`${server.url}/app/plain/`, { headers });
      return { answer, text: await answer.text() };
    };
    const { answer: welcome } = await visit();
    assertEquals(welcome.status, 200);
    const cookie = welcome.headers.get("Set-Cookie")?.split(";")[0];
    assert(cookie !== undefined);

    await redis.stop();
    const { answer: busy, text } = await visit();
    assertEquals([busy.status, busy.headers.has("Retry-After")], [503, true]);
    assertMatch(text, /no worker can be started at the moment/);
    assertNotMatch(text, /redis|127\.0\.0\.1/i);
    assertEquals((await visit(cookie)).answer.status, 200, "who has a worker keeps it");
    const { reason } = await server.record("cannot start a worker");
    assertMatch(String(reason), new RegExp(`redis at 127.0.0.1:${redis.port} `));

    await redis.start();
    await until(async () => (await visit()).answer.status === 200, { what: "workers start again" });
  },
);
