import { allocatorContract } from "./allocator_suite.ts";
import { sharedAllocatorContract } from "./shared_allocator_suite.ts";
import { needs } from "#tests/support/needs.ts";
import { REDIS_PROGRAMS } from "#tests/support/redis_server.ts";
import { RedisStore } from "./support/redis_store.ts";

const { ignore } = needs({ files: REDIS_PROGRAMS });

for (const transport of ["tcp", "unix"] as const) {
  const name = `RedisAllocator over ${transport}`;
  let store: RedisStore | undefined;
  allocatorContract(name, async (_kind, range) => {
    store = await RedisStore.start(transport);
    return await store.open(range, {
      owner: { hostId: "host-1", serverId: "server-1", pid: 4711, startedAt: "boot:17" },
      isLive: () => Promise.resolve(true),
      direct: true,
      deadlineMs: 30_000,
    });
  }, { closeStore: async () => await store?.[Symbol.asyncDispose](), ignore });

  sharedAllocatorContract(name, () => RedisStore.start(transport), { ignore });
}
