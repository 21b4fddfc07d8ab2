import { silentLogger } from "#src/core/mod.ts";
import { Admissions } from "#src/proxy/admission.ts";
import { MemorySessionStore, type Session } from "#src/proxy/sessions.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { settle } from "#tests/support/fake_clock.ts";
import { patient, poolRig, strict } from "./harness.ts";

const idleTtlMs = 3_600_000;

Deno.test(
  "a place that came in the moment the client went away is given back",
  strict,
  async () => {
    const { pool, clock } = poolRig({ maxWorkers: 1 });
    const admissions = new Admissions(new MemorySessionStore(clock, { idleTtlMs }), silentLogger);
    const { id } = await pool.place({ signal: patient });
    const client = new AbortController();
    const refused = assertRejects(
      () => admissions.admit(pool, { sessionIds: [], signal: client.signal }),
      DOMException,
    );
    await settle();
    pool.leave(id);
    client.abort();
    await refused;
    assertEquals(pool.workers().map(({ sessions }) => sessions), [0]);
    await pool.close();
  },
);

Deno.test("a worker that ends while the session is stored is replaced", strict, async () => {
  const { pool, backend, clock } = poolRig();
  const { promise: stored, resolve: store } = Promise.withResolvers<void>();
  class SlowStore extends MemorySessionStore {
    override create(...session: Parameters<MemorySessionStore["create"]>): Session {
      return stored.then(() => super.create(...session)) as unknown as Session;
    }
  }
  const admissions = new Admissions(new SlowStore(clock, { idleTtlMs }), silentLogger);
  const admitted = admissions.admit(pool, { sessionIds: [], signal: patient });
  await settle();
  backend.worker(0).exit({ kind: "oom" });
  await settle();
  store();
  const { worker, isNew } = await admitted;
  assertEquals([worker.id, isNew], [backend.worker(1).spec.id, true]);
  await pool.close();
});

Deno.test("a store that fails as an exchange ends is told to the log", strict, async () => {
  const { pool, clock } = poolRig();
  const messages: string[] = [];
  class FailingStore extends MemorySessionStore {
    override leave(): void {
      return Promise.reject(new Error("store is away")) as unknown as void;
    }
  }
  const admissions = new Admissions(new FailingStore(clock, { idleTtlMs }), {
    ...silentLogger,
    error: (message, fields) => messages.push(`${message}: ${fields?.error}`),
  });
  admissions.end(await admissions.admit(pool, { sessionIds: [], signal: patient }));
  await settle();
  assertEquals(messages, ["session store failed: store is away"]);
  await pool.close();
});
