import { WorkerPlaces } from "#src/proxy/places.ts";
import { BusyError, StartError } from "#src/proxy/start_error.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import type { FakeWorker } from "#tests/support/fake_backend.ts";
import { settle } from "#tests/support/fake_clock.ts";
import { patient, poolRig, strict } from "./harness.ts";

const slow = (worker: FakeWorker) => {
  worker.health = "unhealthy";
};

Deno.test("a worker that fails three looks in a row is stopped", strict, async () => {
  const { pool, backend, ended } = poolRig();
  const worker = await pool.place({ signal: patient });
  const look = async (health: "healthy" | "unhealthy") => {
    backend.worker(0).health = health;
    await pool.checkHealth();
  };
  for (const health of ["unhealthy", "unhealthy", "healthy", "unhealthy", "unhealthy"] as const) {
    await look(health);
  }
  assertEquals([worker.isReady, backend.worker(0).stops.length], [true, 0]);
  backend.worker(0).endsWhenStopped = false;
  await look("unhealthy");
  assertEquals([worker.isReady, backend.worker(0).stops.length, ended.length], [false, 1, 1]);
  assertEquals(pool.find(worker.id), undefined);
  await look("unhealthy");
  assertEquals(backend.worker(0).stops.length, 1);
  backend.worker(0).exit({ kind: "stopped" });
  await pool.close();
});

Deno.test("looks that could not be taken count as failed", strict, async () => {
  const { pool, backend } = poolRig();
  const worker = await pool.place({ signal: patient });
  backend.healthCheck = () => Promise.reject(new Error("gone"));
  for (let i = 0; i < 3; i++) await pool.checkHealth();
  assertEquals([worker.isReady, backend.worker(0).stops.length], [false, 1]);
  await pool.close();
});

Deno.test(
  "suspect() gives up a worker that has exited before its end is announced",
  strict,
  async () => {
    const { pool, backend, ended } = poolRig();
    const worker = await pool.place({ signal: patient });
    pool.suspect(worker.id);
    await settle();
    assertEquals([worker.isReady, ended.length], [true, 0]);
    backend.worker(0).isDying = true;
    pool.suspect(worker.id);
    await settle();
    assertEquals([worker.isReady, ended.length], [false, 1]);
    backend.worker(0).exit({ kind: "oom" });
    await settle();
    assertEquals([pool.workers(), ended.length], [[], 2]);
    await pool.close();
  },
);

Deno.test("suspicions alone do not stop a worker", strict, async () => {
  const { pool, backend } = poolRig();
  const worker = await pool.place({ signal: patient });
  backend.worker(0).health = "unhealthy";
  for (let i = 0; i < 5; i++) {
    pool.suspect(worker.id);
    await settle();
  }
  assertEquals([worker.isReady, backend.worker(0).stops.length], [true, 0]);
  await pool.close();
});

Deno.test("a worker without sessions is stopped after its time, not before", strict, async () => {
  const { pool, backend, clock } = poolRig();
  const worker = await pool.place({ signal: patient });
  await clock.advance(400_000);
  pool.tend();
  assertEquals(worker.isReady, true);
  pool.leave(worker.id);
  await clock.advance(299_999);
  pool.tend();
  assertEquals(worker.isReady, true);
  await clock.advance(1);
  pool.tend();
  await settle();
  assertEquals(backend.worker(0).exitReason, { kind: "stopped" });
  assertEquals([pool.workers(), backend.listManaged()], [[], []]);
  await pool.close();
});

Deno.test("as many unused workers as the app wants are kept ready", strict, async () => {
  const { pool, backend, clock } = poolRig({ warmWorkers: 2, maxWorkers: 4 });
  pool.tend();
  pool.tend();
  await settle();
  assertEquals(backend.spawned.length, 2);
  const first = await pool.place({ signal: patient });
  assertEquals(first.id, backend.worker(0).spec.id);
  pool.tend();
  await settle();
  assertEquals(backend.spawned.length, 3);
  pool.leave(first.id);
  await clock.advance(300_000);
  pool.tend();
  await settle();
  assertEquals(pool.workers().length, 2);
  await pool.close();
});

Deno.test("workers kept ready stay within the limits of app and server", strict, async () => {
  const app = poolRig({ warmWorkers: 5, maxWorkers: 2 });
  app.pool.tend();
  await settle();
  assertEquals(app.backend.spawned.length, 2);
  const server = poolRig({ warmWorkers: 5 }, { places: new WorkerPlaces(3) });
  server.pool.tend();
  await settle();
  assertEquals(server.backend.spawned.length, 3);
  await Promise.all([app.pool.close(), server.pool.close()]);
});

Deno.test(
  "a worker kept ready that does not start is tried again after a pause",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig({ warmWorkers: 1 });
    backend.script = () => {
      throw new Error("broken");
    };
    pool.tend();
    await settle();
    pool.tend();
    await settle();
    assertEquals(backend.spawnCalls, 1);
    await clock.advance(1000);
    pool.tend();
    await settle();
    assertEquals(backend.spawnCalls, 2);
    await pool.close();
  },
);

Deno.test(
  "drain() refuses those who wait and those who come, and keeps workers",
  strict,
  async () => {
    const { pool, backend } = poolRig({ maxWorkers: 1 });
    const worker = await pool.place({ signal: patient });
    const waiting = assertRejects(
      () => pool.place({ signal: patient }),
      BusyError,
      "being stopped",
    );
    await settle();
    pool.drain();
    await waiting;
    await assertRejects(() => pool.place({ signal: patient }), BusyError, "being stopped");
    assertEquals([worker.isReady, backend.worker(0).stops.length], [true, 0]);
    await pool.close();
  },
);

Deno.test("close() during a start ends the worker and leaves nothing behind", strict, async () => {
  const { pool, backend, clock } = poolRig();
  backend.script = slow;
  const refused = assertRejects(() => pool.place({ signal: patient }), BusyError);
  await clock.advance(50);
  await pool.close({ graceMs: 10 });
  await refused;
  assertEquals(backend.worker(0).stops, [{ graceMs: 10 }]);
  assertEquals([backend.running, backend.listManaged(), clock.sleepers], [[], [], 0]);
});

Deno.test("close() during a spawn undoes it, or stops what came of it", strict, async () => {
  for (const ignoresAbort of [false, true]) {
    const { pool, backend, clock } = poolRig();
    backend.ignoresAbort = ignoresAbort;
    const { promise: spawning, resolve: spawnOn } = Promise.withResolvers<void>();
    backend.script = () => spawning;
    const refused = assertRejects(() => pool.place({ signal: patient }), BusyError);
    await settle();
    const closed = pool.close();
    spawnOn();
    await Promise.all([closed, refused]);
    assertEquals(backend.spawned.length, ignoresAbort ? 1 : 0);
    assertEquals([backend.running, backend.listManaged(), clock.sleepers], [[], [], 0]);
  }
});

Deno.test("close() waits for workers that take their time to end", strict, async () => {
  const { pool, backend } = poolRig();
  await pool.place({ signal: patient });
  backend.worker(0).endsWhenStopped = false;
  let isClosed = false;
  const closed = pool.close().then(() => isClosed = true);
  await settle();
  assertEquals(isClosed, false);
  backend.worker(0).exit({ kind: "stopped" });
  await closed;
});

Deno.test("a stop that fails leaves the place taken until the worker ends", strict, async () => {
  const { pool, backend, clock } = poolRig({ maxWorkers: 1 });
  const worker = await pool.place({ signal: patient });
  pool.leave(worker.id);
  backend.stop = () => Promise.reject(new Error("kill: operation not permitted"));
  await clock.advance(300_000);
  pool.tend();
  await settle();
  assertEquals(pool.workers().map(({ state }) => state), ["stopping"]);
  backend.worker(0).exit({ kind: "stopped" });
  await settle();
  assertEquals(pool.workers(), []);
  await pool.close();
});

Deno.test("a start that worked makes the next failure the first again", strict, async () => {
  const { pool, backend, clock } = poolRig();
  const place = () => pool.place({ signal: patient });
  const fail = () => {
    throw new Error("broken");
  };
  backend.script = fail;
  await assertRejects(place, StartError);
  await clock.advance(1000);
  backend.script = () => {};
  await place();
  backend.script = fail;
  await assertRejects(place, StartError);
  assertEquals((await assertRejects(place, StartError)).retryAfterMs, 1000);
  await pool.close();
});

Deno.test("a worker is not forgotten before its stop has come back", strict, async () => {
  const { pool, backend } = poolRig();
  await pool.place({ signal: patient });
  const { promise: stopped, resolve: comeBack } = Promise.withResolvers<void>();
  const stop = backend.stop.bind(backend);
  backend.stop = async (id, options) => {
    const exit = await stop(id, options);
    await stopped;
    return exit;
  };
  const closed = pool.close();
  await settle();
  assertEquals(backend.listManaged().length, 1);
  comeBack();
  await closed;
  assertEquals(backend.listManaged(), []);
});
