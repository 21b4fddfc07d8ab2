import { Deadlines } from "#src/allocator/redis/deadlines.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";

Deno.test("Deadlines let each call expire at its own time, and not before", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(1000, clock);
  const expired: string[] = [];
  deadlines.start(() => expired.push("first"));
  await clock.advance(400);
  deadlines.start(() => expired.push("second"));
  await clock.advance(599);
  assertEquals(expired, []);
  await clock.advance(1);
  assertEquals(expired, ["first"]);
  await clock.advance(399);
  assertEquals(expired, ["first"]);
  await clock.advance(1);
  assertEquals(expired, ["first", "second"]);
  assertEquals(clock.sleepers, 0);
});

Deno.test("Deadlines spare a call that has ended, and watch the next ones", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(1000, clock);
  const expired: string[] = [];
  deadlines.end(deadlines.start(() => expired.push("ended")));
  await clock.advance(5000);
  deadlines.start(() => expired.push("later"));
  await clock.advance(1000);
  assertEquals(expired, ["later"]);
});

Deno.test("Deadlines use one timer for any number of calls", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(1000, clock);
  for (let call = 0; call < 100; call++) deadlines.start(() => {});
  assertEquals(clock.sleepers, 1);
  deadlines.close();
  await clock.advance(0);
  assertEquals(clock.sleepers, 0);
});
