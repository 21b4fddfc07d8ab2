import { claimPort, MemoryAllocator, PORT_SLOTS, type SlotAllocator } from "#src/allocator/mod.ts";
import { ConflictError, ExhaustedError, type Port, toPort } from "#src/core/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** Ports that can be bound, except some; records what is bound now. */
function fakeHost(...taken: number[]) {
  const bound = new Set<number>();
  const tried: number[] = [];
  return {
    bound,
    tried,
    hold(port: Port): Disposable | undefined {
      tried.push(port);
      if (taken.includes(port)) return undefined;
      assert(!bound.has(port), `port ${port} is bound twice`);
      bound.add(port);
      return { [Symbol.dispose]: () => assert(bound.delete(port), `${port} was let go twice`) };
    },
  };
}

function ports(size: number): MemoryAllocator<Port> {
  return new MemoryAllocator(PORT_SLOTS, { start: 10_000, end: 9_999 + size });
}

/** An allocator in which some calls behave differently. */
function changed(
  inner: SlotAllocator<Port>,
  changes: Partial<Pick<SlotAllocator<Port>, "release" | "inUse">>,
): SlotAllocator<Port> {
  return {
    kind: inner.kind,
    range: inner.range,
    claim: () => inner.claim(),
    release: changes.release ?? ((port) => inner.release(port)),
    inUse: changes.inUse ?? (() => inner.inUse()),
    reclaimOrphans: () => inner.reclaimOrphans(),
    close: () => inner.close(),
  };
}

Deno.test(
  "claimPort() binds the port until unhold(), and keeps the claim until release()",
  strict,
  async () => {
    const allocator = ports(2);
    const host = fakeHost();
    const held = await claimPort(allocator, host.hold);
    assertEquals(held.port, toPort(10_000));
    assertEquals([...host.bound], [10_000]);
    held.unhold();
    held.unhold();
    assertEquals([...host.bound], []);
    assertEquals(await allocator.inUse(), 1);
    await held.release();
    assertEquals(await allocator.inUse(), 0);
  },
);

Deno.test("claimPort() with a real socket keeps others from binding its port", strict, async () => {
  const sockets: Deno.TcpListener[] = [];
  const held = await claimPort(ports(1), () => {
    const socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    sockets.push(socket);
    return socket;
  });
  for (const { addr } of sockets) {
    assertThrows(
      () => Deno.listen({ hostname: "127.0.0.1", port: addr.port }),
      Deno.errors.AddrInUse,
    );
  }
  assertEquals(sockets.length, 1);
  held.unhold(); // the sanitizer tells when the socket stays open
});

Deno.test(
  "HeldPort.release() lets go of the port, and a second call joins the first",
  strict,
  async () => {
    const allocator = ports(1);
    const host = fakeHost();
    const held = await claimPort(allocator, host.hold);
    await Promise.all([held.release(), held.release()]);
    await held.release();
    assertEquals([...host.bound], []);
    assertEquals(await allocator.inUse(), 0);
  },
);

Deno.test("HeldPort.release() can be tried again when the allocator failed", strict, async () => {
  const inner = ports(1);
  let away = true;
  const allocator = changed(inner, {
    release: (port) => away ? Promise.reject(new Error("store away")) : inner.release(port),
  });
  const held = await claimPort(allocator, fakeHost().hold);
  await assertRejects(() => held.release(), Error, "store away");
  away = false;
  await held.release();
  assertEquals(await inner.inUse(), 0);
});

Deno.test(
  "claimPort() passes over ports of other programs and puts them behind the others",
  strict,
  async () => {
    const allocator = ports(4);
    const host = fakeHost(10_000, 10_001);
    const held = await claimPort(allocator, host.hold);
    assertEquals(held.port, toPort(10_002));
    assertEquals(await allocator.inUse(), 1);
    const next = [];
    for (let i = 0; i < 3; i++) next.push(await allocator.claim());
    assertEquals(next, [10_003, 10_000, 10_001].map(toPort));
  },
);

Deno.test(
  "claimPort() says how many ports are in use and how many others hold",
  strict,
  async () => {
    const allocator = ports(5);
    const host = fakeHost(10_001, 10_003);
    for (let i = 0; i < 3; i++) await claimPort(allocator, host.hold);
    const error = await assertRejects(() => claimPort(allocator, host.hold), ExhaustedError);
    assertEquals(
      error.message,
      "cannot claim a port from 10000-10004: 3 of 5 are in use, 2 are held by other programs",
    );
    assertEquals(await allocator.inUse(), 3);
  },
);

Deno.test(
  "claimPort() keeps the allocator's own message when it cannot count",
  strict,
  async () => {
    const inner = ports(1);
    const allocator = changed(inner, { inUse: () => Promise.reject(new Error("store away")) });
    await assertRejects(
      () => claimPort(allocator, fakeHost(10_000).hold),
      ExhaustedError,
      "cannot claim a port from 10000-10000: 1 of 1 are in use",
    );
    assertEquals(await inner.inUse(), 0);
  },
);

Deno.test("claimPort() keeps no claim when binding fails", strict, async () => {
  const allocator = ports(3);
  await assertRejects(
    () =>
      claimPort(allocator, (port) => {
        if (port === 10_000) return undefined;
        throw new Error("no such address");
      }),
    Error,
    "no such address",
  );
  assertEquals(await allocator.inUse(), 0);
});

Deno.test("claimPort() keeps no claim when it is given up", strict, async () => {
  const allocator = ports(3);
  const stop = new AbortController();
  const reason = new Error("given up");
  await assertRejects(
    () =>
      claimPort(allocator, () => {
        stop.abort(reason);
        return undefined;
      }, { signal: stop.signal }),
    Error,
    "given up",
  );
  assertEquals(await allocator.inUse(), 0);
  await assertRejects(() => claimPort(allocator, fakeHost().hold, { signal: stop.signal }), Error);
  assertEquals(await allocator.inUse(), 0);
});

Deno.test(
  "claimPort() lets go of its port when it cannot put the others back",
  strict,
  async () => {
    const inner = ports(3);
    const host = fakeHost(10_000, 10_001);
    const allocator = changed(inner, {
      release: (port) =>
        port === 10_000 ? Promise.reject(new ConflictError("lost")) : inner.release(port),
    });
    const error = await assertRejects(() => claimPort(allocator, host.hold), AggregateError);
    assertEquals(error.message, "cannot put back 1 ports that other programs hold");
    assertEquals([...host.bound], []);
    assertEquals(await inner.inUse(), 1);
  },
);

Deno.test("claimPort() never gives a port to two of 200 searches at once", strict, async () => {
  const allocator = ports(210);
  const host = fakeHost(10_000, 10_005, 10_100);
  const held = await Promise.all(
    Array.from({ length: 200 }, () => claimPort(allocator, host.hold)),
  );
  assertEquals(new Set(held.map(({ port }) => port)).size, 200);
  assertEquals(await allocator.inUse(), 200);
  await Promise.all(held.map((port) => port.release()));
  assertEquals(host.bound.size, 0);
  assertEquals(await allocator.inUse(), 0);
});
