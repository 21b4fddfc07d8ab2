/** The stores of slots as the built executable carries their client libraries. */
import { needs } from "#tests/support/needs.ts";
import { POSTGRES_FILES, PostgresServer } from "#tests/support/postgres_server.ts";
import { REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { EXAMPLES } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { ServeProcess } from "./support/server.ts";

const PASSWORD = "s3cret";
/** The rights of its user that README.md calls the least. */
const RIGHTS = "~blockyard:* +ping +eval +evalsha +time +exists +del +hset +hget +hdel +hkeys " +
  "+hgetall +hincrby +zadd +zrem +zpopmin +zcount +zscore +zscan +info";

const options = needs({
  root: true,
  files: [...SERVER_FILES, ...REDIS_PROGRAMS, ...POSTGRES_FILES],
});

for (const store of ["redis", "postgres", "layered"]) {
  Deno.test(`the executable claims the slots of a worker in ${store}`, options, async () => {
    await using stack = new AsyncDisposableStack();
    const env: Record<string, string> = {};
    const seen: (() => Promise<boolean>)[] = [];
    if (store !== "postgres") {
      const redis = stack.use(await RedisServer.start());
      await redis.cli("ACL", "SETUSER", "blockyard", "on", `>${PASSWORD}`, ...RIGHTS.split(" "));
      env.BLOCKYARD_REDIS_URL = `redis://blockyard:${PASSWORD}@127.0.0.1:${redis.port}`;
      seen.push(async () => await redis.cli("KEYS", "blockyard:*") !== "");
    }
    if (store !== "redis") {
      const postgres = stack.use(await PostgresServer.start());
      env.BLOCKYARD_DATABASE_DRIVER = "postgres";
      env.BLOCKYARD_DATABASE_URL = postgres.url();
      const claimed = "SELECT count(*) FROM blockyard.slots WHERE server_id IS NOT NULL";
      seen.push(async () => (await postgres.psql(claimed))[0] !== "0");
    }
    const folder = stack.use(await tempFolder());
    const server = stack.use(
      await ServeProcess.start(folder, { apps: { hello: { path: `${EXAMPLES}/01_hello` } }, env }),
    );
    await new AppClient(server.url, "hello").text();
    // The mirror is told behind the answer.
    for (const isSeen of seen) await until(isSeen, { what: "the store has no claim" });
  });
}
