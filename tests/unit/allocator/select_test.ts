import { openSlots, type OpenSlotsOptions } from "#src/allocator/mod.ts";
import { silentLogger, StoreUnavailableError, systemClock } from "#src/core/mod.ts";
import { assert, assertEquals, assertNotMatch, assertRejects } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const options: OpenSlotsOptions = {
  ports: { start: 20_000, end: 20_001 },
  uids: { start: 5000, end: 5001 },
  identify: () =>
    Promise.resolve({
      owner: { hostId: "host", serverId: "server", pid: 1, startedAt: "boot:1:1" },
      isLive: () => Promise.resolve(true),
    }),
  log: silentLogger,
  clock: systemClock,
};

Deno.test("slots in memory need nobody to be somebody, and close together", strict, async () => {
  const slots = await openSlots({ kind: "memory" }, {
    ...options,
    identify: () => Promise.reject(new Error("asked")),
  });
  assertEquals(slots.kind, "memory");
  assertEquals([await slots.ports.claim(), await slots.uids?.claim()].map(Number), [20_000, 5000]);
  await slots.close();
  await slots.close();
  await assertRejects(() => slots.ports.claim(), Error, "closed");
  assert(slots.uids !== undefined);
  await assertRejects(slots.uids.claim.bind(slots.uids), Error, "closed");
});

Deno.test("a server whose workers have no uid of their own has no uids", strict, async () => {
  const { uids: _uids, ...withoutUids } = options;
  await using slots = await openSlots({ kind: "memory" }, withoutUids);
  assertEquals(slots.uids, undefined);
});

/** Nothing listens on it: it was bound a moment ago and let go of. */
function closedPort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const redis = () => ({
  url: `redis://u:s3cret@127.0.0.1:${closedPort()}`,
  keyPrefix: "test:",
});
const database = () => ({ url: `postgresql://u:s3cret@127.0.0.1:${closedPort()}/d` });

for (
  const [name, store] of [
    ["redis", () => ({ kind: "redis", redis: redis() } as const)],
    ["postgres", () => ({ kind: "postgres", database: database() } as const)],
    ["layered", () => ({ kind: "layered", redis: redis(), database: database() } as const)],
  ] as const
) {
  Deno.test(`a ${name} store that is away is an error that says where it is`, strict, async () => {
    const error = await assertRejects(() => openSlots(store(), options), StoreUnavailableError);
    assert(/ at 127\.0\.0\.1:\d+ /.test(error.message), error.message);
    assertNotMatch(error.message, /s3cret/);
  });
}

Deno.test("a server that cannot say who it is gets no shared slots", strict, async () => {
  await assertRejects(
    () =>
      openSlots({ kind: "redis", redis: redis() }, {
        ...options,
        identify: () => Promise.reject(new Error("no machine id")),
      }),
    Error,
    "no machine id",
  );
});
