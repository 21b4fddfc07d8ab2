import {
  errorMessage,
  silentLogger,
  StoreUnavailableError,
  systemClock,
  type Uid,
} from "#src/core/mod.ts";
import { type SlotAllocator, UID_SLOTS } from "#src/allocator/mod.ts";
import { openRedis, RedisAllocator } from "#src/allocator/redis/mod.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { freePort, REDIS_PROGRAMS, RedisServer } from "#tests/support/redis_server.ts";
import { until } from "#tests/support/until.ts";

const NEEDS = needs({ files: REDIS_PROGRAMS });
const RANGE = { start: 1_900_000_000, end: 1_900_000_009 };

/** What a user needs who may do nothing else. */
const LEAST_RIGHTS = "resetkeys ~test:* resetchannels -@all +ping +eval +evalsha +time +exists " +
  "+del +hset +hget +hdel +hkeys +hgetall +hincrby +zadd +zrem +zpopmin +zcount +zscore +zscan";

test("says that the password is wrong, and does not repeat it", async () => {
  await using server = await RedisServer.start({ settings: { requirepass: "right" } });
  await refuses(
    `redis://:s3cret@127.0.0.1:${server.port}`,
    `cannot open the store: redis at 127.0.0.1:${server.port} refuses this user name or password, ` +
      "want those of a user that it knows",
  );
  await using slots = await open(`redis://:right@127.0.0.1:${server.port}`);
  await slots.claim();
});

test("says that the user is unknown", async () => {
  await using server = await RedisServer.start();
  await refuses(
    `redis://robot:s3cret@127.0.0.1:${server.port}`,
    "refuses this user name or password",
  );
});

test("says that a password is wanted", async () => {
  await using server = await RedisServer.start({ settings: { requirepass: "right" } });
  await refuses(`redis://127.0.0.1:${server.port}`, "wants a password, and redis.url has none");
});

test("says that nothing listens there", async () => {
  await refuses(`redis://127.0.0.1:${freePort()}`, "refuses connections");
});

test("says that there is no socket", async () => {
  await refuses(
    "redis+unix:///run/blockyard-no-such.sock",
    "redis at /run/blockyard-no-such.sock is not there, want the path of its socket",
  );
});

test("says that the number of the database is too large", async () => {
  await using server = await RedisServer.start();
  await refuses(`redis://127.0.0.1:${server.port}/99`, "has no database of that number");
});

test("says that the server speaks another protocol", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    for await (const conn of listener) {
      await conn.read(new Uint8Array(4096));
      await conn.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      conn.close();
    }
  })();
  await refuses(
    `redis://127.0.0.1:${listener.addr.port}`,
    "does not speak the protocol of Redis",
  );
  listener.close();
  await served;
});

test("gives up a server that accepts and says nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const { port } = listener.addr;
  const error = await assertRejects(
    () => openRedis({ url: `redis://127.0.0.1:${port}`, deadlineMs: 300, ...quiet() }),
    StoreUnavailableError,
  );
  assertEquals(
    error.message,
    `cannot open the store: redis at 127.0.0.1:${port} did not answer within 0.3 s`,
  );
  (await accepted).close();
  listener.close();
});

test("refuses a replica that takes no changes", async () => {
  await using primary = await RedisServer.start();
  await using replica = await RedisServer.start({
    settings: { replicaof: `127.0.0.1 ${primary.port}` },
  });
  await refuses(
    `redis://127.0.0.1:${replica.port}`,
    "is a replica that takes no changes, want the primary",
  );
});

test("says that the memory is full, and goes on when it is not", async () => {
  await using server = await RedisServer.start();
  await using slots = await open(`redis://127.0.0.1:${server.port}`);
  const slot = await slots.claim();
  await server.cli("config", "set", "maxmemory", "1");
  await refuses(`redis://127.0.0.1:${server.port}`, "has no memory left for changes");
  await slots.release(slot);
  assertEquals(await slots.inUse(), 1);
  await server.cli("config", "set", "maxmemory", "0");
  await until(async () => await slots.inUse() === 0, { what: "the release arrives" });
});

test("refuses a server that drops keys when its memory is full", async () => {
  await using server = await RedisServer.start({
    settings: { maxmemory: "100mb", "maxmemory-policy": "allkeys-lru" },
  });
  await refuses(
    `redis://127.0.0.1:${server.port}`,
    `cannot keep claims in redis at 127.0.0.1:${server.port}: its maxmemory-policy allkeys-lru ` +
      "lets it drop them, want noeviction or one that begins with volatile-",
  );
  await server.cli("config", "set", "maxmemory-policy", "volatile-lru");
  await using slots = await open(`redis://127.0.0.1:${server.port}`);
  await slots.claim();
});

test("works with the least rights, and says that it cannot look at the eviction", async () => {
  await using server = await RedisServer.start();
  await server.cli("acl", "setuser", "robot", "on", ">s3cret", ...LEAST_RIGHTS.split(" "));
  const log = new RecordingLogger();
  const url = `redis://robot:s3cret@127.0.0.1:${server.port}`;
  await using slots = await open(url, log);
  const [first] = [await slots.claim(), await slots.claim()];
  await slots.release(first);
  assertEquals([await slots.inUse(), await slots.reclaimOrphans()], [1, 0]);
  assertEquals(
    log.at("warn").map(({ message }) => message),
    ["cannot tell whether the store drops claims when its memory is full"],
  );
});

test("says that a right is missing", async () => {
  await using server = await RedisServer.start();
  await server.cli("acl", "setuser", "robot", "on", ">s3cret", ...LEAST_RIGHTS.split(" "), "-hset");
  await refuses(
    `redis://robot:s3cret@127.0.0.1:${server.port}`,
    "does not let this user do that, want one with the rights that the manual names",
  );
});

test("refuses keys that hold something else", async () => {
  await using server = await RedisServer.start();
  await server.cli("set", "test:{host-1:uid}:ranges", "mine");
  await refuses(`redis://127.0.0.1:${server.port}`, "has something else under a key of ours");
});

/** Opens an allocator with a connection of its own. */
async function open(
  url: string,
  log = new RecordingLogger(),
): Promise<SlotAllocator<Uid> & AsyncDisposable> {
  const redis = await openRedis({ url, ...quiet() });
  try {
    const slots = await RedisAllocator.open(UID_SLOTS, RANGE, {
      redis,
      owner: { hostId: "host-1", serverId: "server-1", pid: 4711, startedAt: "boot:17" },
      isLive: () => Promise.resolve(true),
      keyPrefix: "test:",
      log,
      clock: systemClock,
    });
    return Object.assign(slots, {
      [Symbol.asyncDispose]: async () => {
        await slots.close();
        await redis.close();
      },
    });
  } catch (error) {
    await redis.close();
    throw error;
  }
}

async function refuses(url: string, why: string): Promise<void> {
  const error = await assertRejects(() => open(url), Error, why);
  assert(!/s3cret|robot/.test(errorMessage(error)), "the message tells credentials");
}

function quiet(): { log: typeof silentLogger; clock: typeof systemClock } {
  return { log: silentLogger, clock: systemClock };
}

function test(behaviour: string, body: () => Promise<void>): void {
  Deno.test({
    name: `RedisAllocator ${behaviour}`,
    fn: body,
    ...NEEDS,
  });
}
