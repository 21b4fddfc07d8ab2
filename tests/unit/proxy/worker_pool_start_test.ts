import { ExhaustedError, StoreUnavailableError } from "#src/core/mod.ts";
import { BusyError, StartError } from "#src/proxy/start_error.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import type { FakeWorker } from "#tests/support/fake_backend.ts";
import { settle } from "#tests/support/fake_clock.ts";
import { patient, poolRig, strict } from "./harness.ts";

const slow = (worker: FakeWorker) => {
  worker.health = "unhealthy";
};

Deno.test("an exit during the start fails everyone who waits for it", strict, async () => {
  const { pool, backend, clock, ended } = poolRig({ maxSessionsPerWorker: 5 });
  backend.script = slow;
  const failed = Array.from(
    { length: 3 },
    () => assertRejects(() => pool.place({ signal: patient }), StartError, "exit code 7"),
  );
  await clock.advance(50);
  backend.worker(0).say("Error in library(nothere)");
  backend.worker(0).exit({ kind: "code", code: 7 });
  for (const error of await Promise.all(failed)) {
    assertEquals(error.lines.map(({ text }) => text), ["Error in library(nothere)"]);
  }
  await settle();
  assertEquals([pool.workers(), backend.listManaged(), pool.waiting], [[], [], 0]);
  assertEquals(ended.length > 0, true);
  await pool.close();
});

Deno.test("a failed start spares those whom another start will serve", strict, async () => {
  const { pool, backend, clock } = poolRig();
  backend.script = slow;
  const first = pool.place({ signal: patient });
  const second = assertRejects(() => pool.place({ signal: patient }), StartError);
  await clock.advance(50);
  backend.worker(0).exit({ kind: "code", code: 1 });
  await second;
  backend.worker(1).health = "healthy";
  await clock.advance(100);
  assertEquals((await first).id, backend.worker(1).spec.id);
  await pool.close();
});

Deno.test("a start that takes too long is stopped and says so", strict, async () => {
  const { pool, backend, clock, ended } = poolRig();
  backend.script = (worker) => {
    worker.health = "unhealthy";
    worker.endsWhenStopped = false;
  };
  const failed = assertRejects(() => pool.place({ signal: patient }), StartError);
  await clock.advance(60_000);
  assertEquals((await failed).reason, { kind: "start_timeout" });
  assertEquals(backend.worker(0).stops, [{ reason: { kind: "start_timeout" } }]);
  assertEquals(ended.length, 1);
  assertEquals(pool.workers().map(({ state }) => state), ["stopping"]);
  backend.worker(0).exit({ kind: "start_timeout" });
  await settle();
  assertEquals([pool.workers(), ended.length], [[], 2]);
  assertEquals(backend.listManaged(), []);
  await pool.close();
});

Deno.test(
  "after a failure the next requests get it at once, until the pause is over",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig();
    backend.script = () => {
      throw new Error("no such folder");
    };
    const place = () => pool.place({ signal: patient });
    await assertRejects(place, StartError, "no such folder");
    await clock.advance(400);
    const second = await assertRejects(place, StartError, "no such folder");
    assertEquals([second.retryAfterMs, backend.spawnCalls], [600, 1]);
    await clock.advance(600);
    await assertRejects(place, StartError, "no such folder");
    assertEquals(backend.spawnCalls, 2);
    await clock.advance(1999);
    assertEquals((await assertRejects(place, StartError)).retryAfterMs, 1);
    backend.script = () => {};
    await clock.advance(1);
    assertEquals((await place()).isReady, true);
    assertEquals(backend.spawnCalls, 3);
    await pool.close();
  },
);

Deno.test(
  "a place on a running worker is given out also after a failed start",
  strict,
  async () => {
    const { pool, backend } = poolRig({ maxSessionsPerWorker: 2 });
    const first = await pool.place({ signal: patient });
    await pool.place({ signal: patient });
    backend.script = () => {
      throw new Error("disk full");
    };
    await assertRejects(() => pool.place({ signal: patient }), StartError);
    pool.leave(first.id);
    assertEquals((await pool.place({ signal: patient })).id, first.id);
    await pool.close();
  },
);

Deno.test("a host without a free port or uid is busy, not broken", strict, async () => {
  const { pool, backend } = poolRig();
  backend.script = () => {
    throw new ExhaustedError("no port is free");
  };
  await assertRejects(() => pool.place({ signal: patient }), BusyError, "no port is free");
  await assertRejects(() => pool.place({ signal: patient }), BusyError, "no port is free");
  assertEquals(backend.spawnCalls, 1);
});

Deno.test(
  "while claims cannot be made the host is busy, says nothing of why, and tries every second",
  strict,
  async () => {
    const { pool, backend, clock } = poolRig();
    backend.script = () => {
      throw new StoreUnavailableError("cannot claim a uid: redis at 10.0.0.7:6379 does not answer");
    };
    const place = () => pool.place({ signal: patient });
    for (let calls = 1; calls <= 5; calls++) {
      for (let request = 0; request < 2; request++) {
        const { message } = await assertRejects(place, BusyError);
        assertEquals(message, "no worker can be started at the moment");
      }
      assertEquals(backend.spawnCalls, calls);
      await clock.advance(1000);
    }
    backend.script = () => {};
    assertEquals((await place()).isReady, true);
    await pool.close();
  },
);
