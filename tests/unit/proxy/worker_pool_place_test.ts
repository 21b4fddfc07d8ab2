import { BusyError } from "#src/proxy/start_error.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import type { FakeWorker } from "#tests/support/fake_backend.ts";
import { patient, poolRig, strict } from "./harness.ts";

const slow = (worker: FakeWorker) => {
  worker.health = "unhealthy";
};

const ids = (workers: readonly { id: string }[]) => workers.map(({ id }) => id);

Deno.test("the first session starts a worker with what the app says", strict, async () => {
  const { pool, backend } = poolRig({
    cmd: ["Rscript", "app.R"],
    network: "none",
    rVersion: "4.4",
    memoryBytes: 512,
    cpuCores: 1.5,
    env: { A: "1" },
    mounts: [{ source: "/data", target: "/data", readOnly: true }],
  });
  const worker = await pool.place({ signal: patient });
  assertEquals(worker.address, backend.worker(0).info.address);
  const { id: _, ...spec } = backend.worker(0).spec;
  assertEquals<unknown>(spec, {
    app: "hello",
    source: { kind: "directory", path: "/srv/apps/hello" },
    cmd: ["Rscript", "app.R"],
    network: "none",
    rVersion: "4.4",
    memoryBytes: 512,
    cpuCores: 1.5,
    env: { A: "1" },
    mounts: [{ source: "/data", target: "/data", readOnly: true }],
  });
  await pool.close();
});

Deno.test(
  "ten first requests at once start a worker each when none is shared",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig();
    backend.script = slow;
    const placed = Promise.all(Array.from({ length: 10 }, () => pool.place({ signal: patient })));
    await clock.advance(50);
    assertEquals([backend.spawned.length, pool.waiting], [10, 10]);
    for (const worker of backend.spawned) worker.health = "healthy";
    await clock.advance(100);
    assertEquals(new Set(ids(await placed)).size, 10);
    await pool.close();
  },
);

Deno.test(
  "ten first requests at once share two starts when five share a worker",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig({ maxSessionsPerWorker: 5 });
    backend.script = slow;
    const placed = Promise.all(Array.from({ length: 10 }, () => pool.place({ signal: patient })));
    await clock.advance(50);
    assertEquals(backend.spawned.length, 2);
    for (const worker of backend.spawned) worker.health = "healthy";
    await clock.advance(100);
    await placed;
    assertEquals(pool.workers().map(({ sessions }) => sessions), [5, 5]);
    await pool.close();
  },
);

Deno.test("a new session goes to the worker with the fewest", strict, async () => {
  const { pool } = poolRig({ maxSessionsPerWorker: 3 });
  const place = () => pool.place({ signal: patient });
  const first = await place();
  assertEquals([await place(), await place()], [first, first]);
  const second = await place();
  assertEquals(second === first, false);
  assertEquals([await place(), await place()], [second, second]);
  pool.leave(first.id);
  assertEquals(await place(), first);
  for (const worker of [first, second, second]) pool.leave(worker.id);
  assertEquals(await place(), second);
  await pool.close();
});

Deno.test(
  "at the app's limit a request waits, and gets the place that comes free",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig({ maxWorkers: 1 });
    const first = await pool.place({ signal: patient });
    const second = pool.place({ signal: patient });
    const third = pool.place({ signal: patient });
    await clock.advance(1000);
    assertEquals([backend.spawned.length, pool.waiting], [1, 2]);
    pool.leave(first.id);
    assertEquals((await second).id, first.id);
    assertEquals(pool.waiting, 1);
    pool.leave(first.id);
    assertEquals((await third).id, first.id);
    await pool.close();
  },
);

Deno.test("at the app's limit a place also comes free when a worker ends", strict, async () => {
  const { pool, backend } = poolRig({ maxWorkers: 1 });
  await pool.place({ signal: patient });
  const second = pool.place({ signal: patient });
  backend.worker(0).exit({ kind: "signal", signal: "SIGSEGV" });
  assertEquals((await second).id, backend.worker(1).spec.id);
  await pool.close();
});

Deno.test("who finds no place for as long as a start may take is refused", strict, async () => {
  const { pool, clock } = poolRig({ maxWorkers: 1 });
  await pool.place({ signal: patient });
  const refused = assertRejects(
    () => pool.place({ signal: patient }),
    BusyError,
    "all places of app hello are taken",
  );
  await clock.advance(60_000);
  await refused;
  assertEquals(pool.waiting, 0);
  await pool.close();
  assertEquals(clock.sleepers, 0);
});

Deno.test(
  "who waited for a place and got a start is left to the start's own time",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig({ maxWorkers: 1 });
    const first = await pool.place({ signal: patient });
    backend.script = slow;
    const second = pool.place({ signal: patient });
    await clock.advance(50_000);
    backend.worker(0).exit({ kind: "code", code: 0 });
    await clock.advance(20_000);
    assertEquals(pool.waiting, 1);
    backend.worker(1).health = "healthy";
    await clock.advance(100);
    assertEquals((await second).id === first.id, false);
    await pool.close();
  },
);

Deno.test("who goes away while waiting leaves the started worker to the next", strict, async () => {
  const { pool, backend, clock } = poolRig();
  backend.script = slow;
  const client = new AbortController();
  const given = assertRejects(
    () => pool.place({ signal: client.signal }),
    DOMException,
  );
  await clock.advance(50);
  client.abort();
  await given;
  assertEquals(pool.waiting, 0);
  const next = pool.place({ signal: patient });
  await clock.advance(50);
  assertEquals(backend.spawned.length, 1);
  backend.worker(0).health = "healthy";
  await clock.advance(100);
  assertEquals((await next).id, backend.worker(0).spec.id);
  await pool.close();
});

Deno.test("who has gone away before starts nothing", strict, async () => {
  const { pool, backend } = poolRig();
  await assertRejects(() => pool.place({ signal: AbortSignal.abort() }), DOMException);
  assertEquals(backend.spawnCalls, 0);
});
