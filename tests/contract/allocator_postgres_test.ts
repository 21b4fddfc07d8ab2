import { PostgresServer } from "#tests/support/postgres_server.ts";
import { allocatorContract } from "./allocator_suite.ts";
import { sharedAllocatorContract } from "./shared_allocator_suite.ts";
import { PostgresStore } from "./support/postgres_store.ts";

let server: PostgresServer;
Deno.test.beforeAll(async () => {
  server = await PostgresServer.start();
});
Deno.test.afterAll(() => server[Symbol.asyncDispose]());

for (const transport of ["tcp", "unix"] as const) {
  const name = `PostgresAllocator over ${transport}`;
  let store: PostgresStore | undefined;
  allocatorContract(name, async (_kind, range) => {
    store = await PostgresStore.start(server, transport);
    return await store.open(range, {
      owner: { hostId: "host-1", serverId: "server-1", pid: 4711, startedAt: "boot:17" },
      isLive: () => Promise.resolve(true),
      direct: true,
      deadlineMs: 30_000,
    });
  }, { closeStore: async () => await store?.[Symbol.asyncDispose]() });

  sharedAllocatorContract(name, () => PostgresStore.start(server, transport));
}
