import { ExhaustedError, toAppName, toWorkerId } from "#src/core/mod.ts";
import type { WorkerInfo, WorkerSpec } from "#src/backend/mod.ts";
import { StartError } from "#src/proxy/start_error.ts";
import { lastLines, type StartOptions, startWorker } from "#src/proxy/worker_start.ts";
import { assertEquals, assertInstanceOf, assertRejects } from "#tests/support/assert.ts";
import { FakeBackend } from "#tests/support/fake_backend.ts";
import { FakeClock, settle } from "#tests/support/fake_clock.ts";
import { patient, strict } from "./harness.ts";

const spec: WorkerSpec = {
  id: toWorkerId("w1"),
  app: toAppName("hello"),
  source: { kind: "directory", path: "/srv/hello" },
  network: "host",
  rVersion: "",
  env: {},
  mounts: [],
  memoryBytes: 0,
  cpuCores: 0,
};

interface Rig {
  readonly clock: FakeClock;
  readonly backend: FakeBackend;
  readonly spawned: WorkerInfo[];
  start(overrides?: Partial<StartOptions>): Promise<void>;
}

function rig(): Rig {
  const clock = new FakeClock();
  const backend = new FakeBackend(clock);
  const spawned: WorkerInfo[] = [];
  return {
    clock,
    backend,
    spawned,
    start: (overrides = {}) =>
      startWorker(spec, {
        backend,
        clock,
        timeoutMs: 60_000,
        signal: patient,
        onSpawned: (info) => spawned.push(info),
        ...overrides,
      }),
  };
}

Deno.test(
  "startWorker() resolves at the first healthy look and leaves no timer",
  strict,
  async () => {
    const { backend, clock, spawned, start } = rig();
    backend.script = (worker) => {
      worker.health = "unhealthy";
    };
    const started = start();
    await clock.advance(25);
    backend.worker(0).health = "healthy";
    await clock.advance(100);
    await started;
    assertEquals(spawned.map(({ id }) => id), [spec.id]);
    assertEquals(clock.sleepers, 0);
  },
);

Deno.test("startWorker() looks often at first, then every 100 ms", strict, async () => {
  const { backend, clock, start } = rig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
  };
  const started = start();
  await clock.advance(0);
  assertEquals(backend.worker(0).checks, 1);
  await clock.advance(10);
  assertEquals(backend.worker(0).checks, 2);
  await clock.advance(11);
  assertEquals(backend.worker(0).checks, 3);
  await clock.advance(10_000);
  const before = backend.worker(0).checks;
  await clock.advance(1000);
  assertEquals(backend.worker(0).checks, before + 10);
  backend.worker(0).health = "healthy";
  await clock.advance(100);
  await started;
});

Deno.test("startWorker() tells why a worker ended, with its last 50 lines", strict, async () => {
  const { backend, clock, start } = rig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
  };
  const failed = assertRejects(
    start,
    StartError,
    "cannot start app hello: it ended with exit code 1",
  );
  await clock.advance(30);
  for (let i = 1; i <= 60; i++) backend.worker(0).say(`line ${i}`);
  backend.worker(0).exit({ kind: "code", code: 1 });
  const error = await failed;
  assertEquals(error.reason, { kind: "code", code: 1 });
  assertEquals(error.lines.length, 50);
  assertEquals([error.lines[0]?.text, error.lines[49]?.text], ["line 11", "line 60"]);
  assertEquals(clock.sleepers, 0);
});

Deno.test(
  "startWorker() waits for the whole log when a look sees the end first",
  strict,
  async () => {
    const { backend, start } = rig();
    backend.script = (worker) => {
      worker.isDying = true;
    };
    const failed = assertRejects(start, StartError);
    await settle();
    backend.worker(0).say("last words");
    backend.worker(0).exit({ kind: "oom" });
    const error = await failed;
    assertEquals(error.reason, { kind: "oom" });
    assertEquals(error.lines.map(({ text }) => text), ["last words"]);
  },
);

Deno.test("startWorker() gives up after the time that it may take", strict, async () => {
  const { backend, clock, start } = rig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
    worker.say("still loading");
  };
  const failed = assertRejects(start, StartError, "it did not answer within 1 min");
  await clock.advance(60_000);
  const error = await failed;
  assertEquals(error.isTimeout, true);
  assertEquals(error.lines.map(({ text }) => text), ["still loading"]);
  assertEquals(error.lastCheck, "connection refused");
  assertEquals(
    error.message.includes("connection refused"),
    false,
    "visitors are told the message",
  );
  assertEquals(error.withRetryAfter(1).lastCheck, "connection refused");
  assertEquals(clock.sleepers, 0);
});

Deno.test("startWorker() gives up a health check that does not come back", strict, async () => {
  const { backend, clock, start } = rig();
  backend.healthCheck = () => new Promise(() => {});
  const failed = assertRejects(start, StartError);
  await clock.advance(60_000);
  assertEquals((await failed).isTimeout, true);
});

Deno.test("startWorker() gives up a spawn that hangs", strict, async () => {
  const { backend, clock, spawned, start } = rig();
  backend.script = (_worker, signal) =>
    new Promise((resolve) => signal?.addEventListener("abort", () => resolve()));
  const failed = assertRejects(start, StartError);
  await clock.advance(60_000);
  assertEquals((await failed).reason, { kind: "start_timeout" });
  assertEquals(spawned, []);
});

Deno.test("startWorker() says what a spawn failed with, and keeps the cause", strict, async () => {
  const { backend, clock, start } = rig();
  backend.script = () => {
    throw new ExhaustedError("no port is free");
  };
  const error = await assertRejects(start, StartError, "cannot start app hello: no port is free");
  assertInstanceOf(error.cause, ExhaustedError);
  assertEquals(error.lines, []);
  assertEquals(clock.sleepers, 0);
});

Deno.test("startWorker() ends when it is not wanted any more, at any moment", strict, async () => {
  const { backend, clock, start } = rig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
  };
  const unwanted = new AbortController();
  const failed = assertRejects(() => start({ signal: unwanted.signal }), StartError);
  await clock.advance(50);
  unwanted.abort();
  assertEquals((await failed).reason, { kind: "stopped" });
  assertEquals(clock.sleepers, 0);

  const before = assertRejects(() => start({ signal: AbortSignal.abort() }), StartError);
  assertEquals((await before).reason, { kind: "stopped" });
  assertEquals(backend.spawned.length, 1);
});

Deno.test("the signal of a spawn stays quiet once the worker is up", strict, async () => {
  const { backend, clock, start } = rig();
  let signal: AbortSignal | undefined;
  backend.script = (_worker, given) => {
    signal = given;
  };
  const unwanted = new AbortController();
  await start({ signal: unwanted.signal });
  await clock.advance(120_000);
  unwanted.abort();
  assertEquals(signal?.aborted, false);
});

Deno.test("lastLines() returns what there is when there is less", strict, async () => {
  const { backend, start } = rig();
  await start();
  assertEquals(await lastLines(backend, spec.id, 3), []);
  for (const text of ["a", "b", "c", "d"]) backend.worker(0).say(text);
  assertEquals((await lastLines(backend, spec.id, 3)).map(({ text }) => text), ["b", "c", "d"]);
});
