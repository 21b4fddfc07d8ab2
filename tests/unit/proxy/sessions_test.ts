import { toAppName, toWorkerId } from "#src/core/mod.ts";
import { MemorySessionStore } from "#src/proxy/sessions.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { strict } from "./harness.ts";

const TTL_MS = 1000;
const hello = toAppName("hello");
const other = toAppName("other");
const worker = toWorkerId("w1");

function store(): { clock: FakeClock; sessions: MemorySessionStore } {
  const clock = new FakeClock();
  return { clock, sessions: new MemorySessionStore(clock, { idleTtlMs: TTL_MS }) };
}

Deno.test("create() makes ids of 192 bits that differ", strict, () => {
  const { sessions } = store();
  const ids = Array.from({ length: 1000 }, () => sessions.create(hello, worker).id);
  assertEquals(new Set(ids).size, 1000);
  for (const id of ids) assertMatch(id, /^[A-Za-z0-9_-]{32}$/);
});

Deno.test("enter() finds a session for its own app only", strict, () => {
  const { sessions } = store();
  const { id } = sessions.create(hello, worker);
  assertEquals(sessions.enter(id, hello)?.worker, worker);
  assertEquals(sessions.enter(id, other), undefined);
  assertEquals(sessions.enter("", hello), undefined);
  assertEquals(sessions.enter("__proto__", hello), undefined);
});

Deno.test("a session expires when it was not used for the whole time to live", strict, async () => {
  const { clock, sessions } = store();
  const { id } = sessions.create(hello, worker);
  sessions.leave(id);
  await clock.advance(TTL_MS - 1);
  assertEquals(sessions.sweep(), []);
  assertEquals(sessions.enter(id, hello)?.id, id);
  sessions.leave(id);
  await clock.advance(TTL_MS - 1);
  assertEquals(sessions.sweep(), []);
  await clock.advance(1);
  assertEquals(sessions.sweep().map((session) => session.id), [id]);
  assertEquals(sessions.enter(id, hello), undefined);
});

Deno.test("an expired session is refused before it is swept", strict, async () => {
  const { clock, sessions } = store();
  const { id } = sessions.create(hello, worker);
  sessions.leave(id);
  await clock.advance(TTL_MS);
  assertEquals(sessions.enter(id, hello), undefined);
  assertEquals(sessions.sweep().length, 1);
});

Deno.test("a session with an open exchange never expires", strict, async () => {
  const { clock, sessions } = store();
  const { id } = sessions.create(hello, worker);
  sessions.enter(id, hello);
  sessions.leave(id);
  await clock.advance(100 * TTL_MS);
  assertEquals(sessions.sweep(), []);
  sessions.leave(id);
  assertEquals(sessions.sweep(), []);
  await clock.advance(TTL_MS);
  assertEquals(sessions.sweep().length, 1);
});

Deno.test("sweep() finds expired sessions behind ones that are in use", strict, async () => {
  const { clock, sessions } = store();
  const open = sessions.create(hello, worker);
  const first = sessions.create(hello, worker);
  const second = sessions.create(hello, worker);
  sessions.leave(second.id);
  await clock.advance(1);
  sessions.leave(first.id);
  await clock.advance(TTL_MS - 1);
  assertEquals(sessions.sweep().map(({ id }) => id), [second.id]);
  await clock.advance(1);
  assertEquals(sessions.sweep().map(({ id }) => id), [first.id]);
  assertEquals(sessions.enter(open.id, hello)?.id, open.id);
});

Deno.test("removeWorker() forgets the sessions of that worker and no others", strict, () => {
  const { sessions } = store();
  const gone = [sessions.create(hello, worker), sessions.create(other, worker)];
  const kept = sessions.create(hello, toWorkerId("w2"));
  sessions.removeWorker(worker);
  for (const { id, app } of gone) assertEquals(sessions.enter(id, app), undefined);
  assertEquals(sessions.enter(kept.id, hello)?.id, kept.id);
});

Deno.test("leave() and remove() of a session that is gone change nothing", strict, async () => {
  const { clock, sessions } = store();
  const { id } = sessions.create(hello, worker);
  assertEquals(sessions.remove(id), true);
  assertEquals(sessions.remove(id), false);
  sessions.leave(id);
  await clock.advance(TTL_MS);
  assertEquals(sessions.sweep(), []);
});

Deno.test(
  "leave() more often than entered does not make a session used again",
  strict,
  async () => {
    const { clock, sessions } = store();
    const { id } = sessions.create(hello, worker);
    sessions.leave(id);
    await clock.advance(TTL_MS / 2);
    sessions.leave(id);
    await clock.advance(TTL_MS / 2);
    assertEquals(sessions.sweep().length, 1);
  },
);
