import { WaitingLine } from "#src/proxy/waiting_line.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { patient, strict } from "./harness.ts";

const forever = { signal: patient, patienceMs: 1e9, onLate: () => undefined };

Deno.test("who came first is served first", strict, async () => {
  const line = new WaitingLine<string>(new FakeClock());
  const first = line.join(forever);
  const second = line.join(forever);
  assertEquals(line.size, 2);
  line.serve("a");
  line.serve("b");
  assertEquals(await Promise.all([first, second]), ["a", "b"]);
  assertEquals(line.size, 0);
});

Deno.test("who gives up leaves the line with the signal's reason", strict, async () => {
  const clock = new FakeClock();
  const line = new WaitingLine<string>(clock);
  const client = new AbortController();
  const first = line.join({ ...forever, signal: client.signal });
  const second = line.join(forever);
  client.abort(new Error("gone"));
  assertEquals(line.size, 1);
  await assertRejects(() => first, Error, "gone");
  line.serve("a");
  assertEquals(await second, "a");
  assertEquals(clock.sleepers, 0);
});

Deno.test("who has given up before does not join", strict, async () => {
  const clock = new FakeClock();
  const line = new WaitingLine<string>(clock);
  const signal = AbortSignal.abort(new Error("gone"));
  await assertRejects(() => line.join({ ...forever, signal }), Error, "gone");
  assertEquals([line.size, clock.sleepers], [0, 0]);
});

Deno.test("who waited too long fails, unless there is a reason to stay", strict, async () => {
  const clock = new FakeClock();
  const line = new WaitingLine<string>(clock);
  const asked: number[] = [];
  const options = {
    signal: patient,
    patienceMs: 100,
    onLate: (ahead: number) => {
      asked.push(ahead);
      return ahead === 0 ? undefined : new Error("too late");
    },
  };
  const first = line.join(options);
  const failed = [line.join(options), line.join(options)].map((waiting) =>
    assertRejects(() => waiting, Error, "too late")
  );
  await clock.advance(99);
  assertEquals(asked, []);
  await clock.advance(1);
  await Promise.all(failed);
  assertEquals(asked, [0, 1, 1]);
  line.serve("a");
  assertEquals(await first, "a");
  assertEquals(clock.sleepers, 0);
});

Deno.test("failBehind() keeps the first ones", strict, async () => {
  const line = new WaitingLine<string>(new FakeClock());
  const [first, ...others] = [line.join(forever), line.join(forever), line.join(forever)];
  const failed = others.map((waiting) => assertRejects(() => waiting, Error, "no"));
  line.failBehind(1, new Error("no"));
  await Promise.all(failed);
  line.serve("a");
  assertEquals(await first, "a");
});
