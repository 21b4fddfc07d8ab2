import type { WorkerAddress } from "#src/backend/mod.ts";
import { createDataPlane } from "#src/proxy/mod.ts";
import { silentLogger } from "#src/core/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { FakeBackend } from "#tests/support/fake_backend.ts";
import { FakeClock, settle } from "#tests/support/fake_clock.ts";
import { app, asForward, asResponse, cookieOf, planeRig, strict } from "./harness.ts";

Deno.test("a session expires when unused, and its worker after that", strict, async () => {
  const { plane, backend, clock, ask } = planeRig({
    limits: { sessionIdleTtlMs: 60_000, idleWorkerTimeoutMs: 30_000 },
  });
  plane.start();
  const first = asForward(await ask("/app/hello/"));
  first.onEnd?.();
  await clock.advance(59_000);
  assertEquals(plane.stats()[0]?.workers[0]?.sessions, 1);
  await clock.advance(1000);
  assertEquals(plane.stats()[0]?.workers[0]?.sessions, 0);
  await clock.advance(29_000);
  assertEquals(backend.running.length, 1);
  await clock.advance(2000);
  assertEquals(backend.running.length, 0);
  await plane.close();
});

Deno.test("a session with an open WebSocket holds its worker for ever", strict, async () => {
  const { plane, backend, clock, ask } = planeRig({
    limits: { sessionIdleTtlMs: 5000, idleWorkerTimeoutMs: 5000 },
  });
  plane.start();
  const socket = asForward(await ask("/app/hello/websocket/", { isWebSocket: true }));
  await clock.advance(60_000);
  assertEquals(backend.running.length, 1);
  socket.onEnd?.();
  await clock.advance(12_000);
  assertEquals(backend.running.length, 0);
  await plane.close();
});

Deno.test("the sessions of a worker that ended get a new one", strict, async () => {
  const { plane, backend, gone, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  const { address } = backend.worker(0).info;
  backend.worker(0).exit({ kind: "oom" });
  await settle();
  assertEquals(gone, [address]);
  const next = asForward(await ask("/app/hello/", { headers: [cookieOf(first)] }));
  assertEquals(next.upstream, backend.worker(1).info.address);
  assertEquals(cookieOf(next)[1] === cookieOf(first)[1], false);
  await plane.close();
});

Deno.test(
  "onWorkerGone hears of an end before the stop and again once it is gone",
  strict,
  async () => {
    const { plane, backend, clock, gone, ask } = planeRig();
    plane.start();
    await ask("/app/hello/");
    const worker = backend.worker(0);
    const { address } = worker.info;
    const stop = backend.stop.bind(backend);
    let goneAtStop: WorkerAddress[] = [];
    backend.stop = (id, options) => {
      goneAtStop = [...gone];
      return stop(id, options);
    };
    worker.health = "unhealthy";
    worker.endsWhenStopped = false;
    await clock.advance(30_000);
    assertEquals([goneAtStop, gone], [[address], [address]]);
    worker.exit({ kind: "stopped" });
    await settle();
    assertEquals(gone, [address, address]);
    await plane.close();
  },
);

Deno.test("health checks come at their interval", strict, async () => {
  const { plane, backend, clock, ask } = planeRig();
  plane.start();
  await ask("/app/hello/");
  const before = backend.worker(0).checks;
  await clock.advance(9999);
  assertEquals(backend.worker(0).checks, before);
  await clock.advance(1);
  assertEquals(backend.worker(0).checks, before + 1);
  await clock.advance(20_000);
  assertEquals(backend.worker(0).checks, before + 3);
  await plane.close();
});

Deno.test(
  "start() starts the workers to be kept ready, and replaces one that ended",
  strict,
  async () => {
    const { plane, backend, clock } = planeRig({ apps: [app({ warmWorkers: 1 })] });
    assertEquals(backend.spawnCalls, 0);
    plane.start();
    await settle();
    assertEquals(backend.running.length, 1);
    backend.worker(0).exit({ kind: "code", code: 0 });
    await settle();
    assertEquals(backend.running.length, 0);
    await clock.advance(1000);
    assertEquals(backend.running.length, 1);
    await plane.close();
  },
);

Deno.test(
  "all apps share the server's limit, and a freed place goes to who waits",
  strict,
  async () => {
    const { plane, backend, ask } = planeRig({
      apps: [app(), app({ name: "other" })],
      limits: { maxWorkers: 2 },
    });
    await ask("/app/hello/");
    await ask("/app/hello/");
    const waiting = ask("/app/other/");
    await settle();
    assertEquals(backend.spawned.length, 2);
    backend.worker(0).exit({ kind: "code", code: 0 });
    assertEquals(asForward(await waiting).upstream, backend.worker(2).info.address);
    await plane.close();
  },
);

Deno.test("a full server says that it is the server", strict, async () => {
  const { plane, clock, ask } = planeRig({
    apps: [app(), app({ name: "other" })],
    limits: { maxWorkers: 1 },
  });
  await ask("/app/hello/");
  const asked = ask("/app/other/");
  await clock.advance(60_000);
  const response = asResponse(await asked);
  assertEquals(response.status, 503);
  assertEquals((await response.text()).includes("all places of this server are taken"), true);
  await plane.close();
});

Deno.test(
  "on a full server the longest unused worker yields to an app that needs one",
  strict,
  async () => {
    const { plane, backend, clock, ask } = planeRig({
      apps: [app({ name: "a" }), app({ name: "b" }), app({ name: "c" }), app({ name: "d" })],
      limits: { maxWorkers: 3, sessionIdleTtlMs: 1000 },
    });
    plane.start();
    const [a, b] = [asForward(await ask("/app/a/")), asForward(await ask("/app/b/"))];
    asForward(await ask("/app/c/"));
    b.onEnd?.();
    await clock.advance(2000);
    a.onEnd?.();
    await clock.advance(2000);
    asForward(await ask("/app/d/"));
    await settle();
    assertEquals(backend.running.map(({ spec }) => `${spec.app}`), ["a", "c", "d"]);
    await plane.close();
  },
);

Deno.test("no more unused workers yield than are needed", strict, async () => {
  const { plane, backend, clock, ask } = planeRig({
    apps: [
      app({ name: "a", maxSessionsPerWorker: 5 }),
      app({ name: "b", maxSessionsPerWorker: 5 }),
    ],
    limits: { maxWorkers: 2, sessionIdleTtlMs: 1000 },
  });
  plane.start();
  const first = await Promise.all(Array.from({ length: 10 }, () => ask("/app/a/")));
  for (const verdict of first) asForward(verdict).onEnd?.();
  await clock.advance(2000);
  assertEquals(backend.running.length, 2);
  await Promise.all(Array.from({ length: 5 }, () => ask("/app/b/")));
  await settle();
  assertEquals(backend.running.map(({ spec }) => `${spec.app}`), ["a", "b"]);
  await plane.close();
});

Deno.test("a worker that is kept ready does not yield", strict, async () => {
  const { plane, backend, clock, ask } = planeRig({
    apps: [app({ warmWorkers: 1 }), app({ name: "other" })],
    limits: { maxWorkers: 1 },
  });
  plane.start();
  await settle();
  const asked = ask("/app/other/");
  await clock.advance(60_000);
  assertEquals(asResponse(await asked).status, 503);
  assertEquals(backend.running.map(({ spec }) => `${spec.app}`), ["hello"]);
  await plane.close();
});

Deno.test("drain() serves sessions that exist and takes no new ones", strict, async () => {
  const { plane, ask } = planeRig();
  const first = asForward(await ask("/app/hello/"));
  plane.drain();
  const next = asForward(await ask("/app/hello/", { headers: [cookieOf(first)] }));
  assertEquals(next.upstream, first.upstream);
  const refused = asResponse(await ask("/app/hello/"));
  assertEquals([refused.status, refused.headers.has("Retry-After")], [503, true]);
  assertEquals(asResponse(await ask("/healthz")).status, 200);
  await plane.close();
});

Deno.test(
  "close() stops every worker and leaves no timer, whatever was going on",
  strict,
  async () => {
    const { plane, backend, clock, ask } = planeRig({
      apps: [app({ maxWorkers: 2, warmWorkers: 1 }), app({ name: "slow" })],
      limits: { maxWorkers: 4 },
    });
    plane.start();
    await ask("/app/hello/");
    backend.script = (worker) => {
      worker.health = "unhealthy";
    };
    const waiting = [ask("/app/slow/"), ask("/app/slow/"), ask("/app/hello/")];
    await clock.advance(50);
    await plane.close({ graceMs: 1 });
    const statuses = (await Promise.all(waiting)).map((verdict) => {
      return verdict.kind === "respond" ? verdict.response.status : verdict.kind;
    });
    assertEquals(statuses.filter((status) => status !== "forward").every((s) => s === 503), true);
    assertEquals([backend.running, backend.listManaged(), clock.sleepers], [[], [], 0]);
    assertEquals(plane.stats().map(({ workers, waiting }) => [workers.length, waiting]), [[0, 0], [
      0,
      0,
    ]]);
    assertEquals(asResponse(await ask("/app/hello/")).status, 503);
  },
);

Deno.test("stats() counts workers, sessions and who waits", strict, async () => {
  const { plane, backend, ask } = planeRig({ apps: [app({ maxWorkers: 1 })] });
  await ask("/app/hello/");
  const waiting = ask("/app/hello/");
  await settle();
  assertEquals<unknown>(plane.stats(), [{
    app: "hello",
    workers: [{ id: backend.worker(0).spec.id, state: "ready", sessions: 1 }],
    waiting: 1,
  }]);
  await plane.close();
  await waiting;
});

Deno.test("createDataPlane() refuses what cannot be served", strict, () => {
  const clock = new FakeClock();
  const parts = {
    backend: new FakeBackend(clock),
    clock,
    log: silentLogger,
    limits: {
      maxWorkers: 1,
      sessionIdleTtlMs: 1,
      idleWorkerTimeoutMs: 1,
      workerStartTimeoutMs: 1,
      healthIntervalMs: 1,
    },
  };
  assertThrows(
    () => createDataPlane({ ...parts, apps: [app(), app()], trustedProxies: [] }),
    RangeError,
    'cannot serve two apps of the name "hello"',
  );
  assertThrows(
    () => createDataPlane({ ...parts, apps: [], trustedProxies: ["10.0.0.0/99"] }),
    RangeError,
    "10.0.0.0/99",
  );
});
