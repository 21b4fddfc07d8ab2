import { Backoff } from "#src/proxy/backoff.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { strict } from "./harness.ts";

Deno.test("each failure doubles the pause, from a second to a minute", strict, async () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  assertEquals(backoff.remainingMs, 0);
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    backoff.fail(clock.monotonicMs());
    pauses.push(backoff.remainingMs);
    await clock.advance(backoff.remainingMs);
    assertEquals(backoff.remainingMs, 0);
  }
  assertEquals(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("the pause gets shorter as time goes by", strict, async () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  backoff.fail(0);
  await clock.advance(400);
  assertEquals(backoff.remainingMs, 600);
});

Deno.test("tries that ran side by side count as one failure", strict, async () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  await clock.advance(100);
  for (const begunAtMs of [0, 50, 90]) backoff.fail(begunAtMs);
  assertEquals(backoff.remainingMs, 1000);
});

Deno.test("failures elsewhere pause for a second each, and forget the app's", strict, async () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  for (let i = 0; i < 4; i++) backoff.fail(clock.monotonicMs());
  for (let i = 0; i < 5; i++) {
    backoff.failElsewhere(clock.monotonicMs());
    assertEquals(backoff.remainingMs, 1000);
    backoff.failElsewhere(clock.monotonicMs() - 1);
    await clock.advance(1000);
    assertEquals(backoff.remainingMs, 0);
  }
});

Deno.test("a success forgets the failures", strict, () => {
  const clock = new FakeClock();
  const backoff = new Backoff(clock);
  backoff.fail(0);
  backoff.fail(0);
  backoff.succeed();
  assertEquals(backoff.remainingMs, 0);
  backoff.fail(0);
  assertEquals(backoff.remainingMs, 1000);
});
