import { LogBuffer } from "#src/backend/log_buffer.ts";
import { OutputPace } from "#src/backend/output_pace.ts";
import { assert, assertEquals, assertGreater, assertLess } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const MIB = 1024 ** 2;
const KIB_64 = 64 * 1024;

/** Reads the same part again and again until a time has come, and counts how often. */
async function readFor(
  seconds: number,
  part: { bytes: number; lines: number; reads: number },
): Promise<number> {
  const clock = new FakeClock();
  const pace = new OutputPace(clock);
  let count = 0;
  let isOver = false;
  const reading = (async () => {
    while (!isOver) {
      count++;
      await pace.spend(part);
    }
  })();
  for (let tenth = 0; tenth < seconds * 10; tenth++) await clock.advance(100);
  isOver = true;
  pace.lift();
  await clock.advance(0);
  await reading;
  assertEquals(clock.sleepers, 0);
  return count;
}

Deno.test("OutputPace lets a program write four megabytes in a row", strict, async () => {
  const clock = new FakeClock();
  const pace = new OutputPace(clock);
  let turns = 0;
  for (let read = 0; read < 4 * MIB; read += 16 * 1024) {
    const turn = pace.spend({ bytes: 16 * 1024, lines: 0, reads: 0 });
    if (turn === undefined) continue;
    turns++;
    await clock.advance(0);
    await turn;
  }
  // The rest of the process has its turn after every 64 KiB.
  assertEquals([turns, clock.monotonicMs()], [64, 0]);
  const waiting = pace.spend({ bytes: 1, lines: 0, reads: 0 });
  await clock.advance(19);
  assertEquals(clock.sleepers, 1);
  await clock.advance(1);
  await waiting;
});

for (
  const { what, part, perSecond } of [
    { what: "bytes", part: { bytes: 4096, lines: 0, reads: 0 }, perSecond: 256 },
    { what: "empty lines", part: { bytes: 4096, lines: 4096, reads: 0 }, perSecond: 2.5 },
    { what: "single bytes", part: { bytes: 1, lines: 0, reads: 1 }, perSecond: 256 },
  ]
) {
  Deno.test(`OutputPace holds a program that writes ${what} without end`, strict, async () => {
    const [soon, later] = [await readFor(10, part), await readFor(30, part)];
    const rate = (later - soon) / 20;
    assert(rate > perSecond * 0.9 && rate < perSecond * 1.1, `${rate} parts a second`);
  });
}

Deno.test("OutputPace gives back what was not used, up to a burst", strict, async () => {
  const clock = new FakeClock();
  const pace = new OutputPace(clock);
  const all = pace.spend({ bytes: 5 * MIB, lines: 0, reads: 0 });
  let isOver = false;
  all?.then(() => isOver = true);
  await clock.advance(990);
  assertEquals(isOver, false);
  await clock.advance(20);
  assertEquals(isOver, true);
  await clock.advance(3_600_000);
  const more = pace.spend({ bytes: 4 * MIB + KIB_64, lines: 0, reads: 0 });
  assertEquals(clock.sleepers, 1);
  await clock.advance(100);
  await more;
  assertEquals(clock.sleepers, 0);
});

Deno.test(
  "OutputPace wakes who waits when it is lifted, and makes no pause later",
  strict,
  async () => {
    const clock = new FakeClock();
    const pace = new OutputPace(clock);
    const waiting = pace.spend({ bytes: 100 * MIB, lines: 0, reads: 0 });
    pace.lift();
    await waiting;
    // The rest of the process still has its turn.
    const turn = pace.spend({ bytes: 100 * MIB, lines: 0, reads: 0 });
    await clock.advance(0);
    await turn;
    assertEquals([clock.monotonicMs(), clock.sleepers], [0, 0]);
  },
);

Deno.test("LogBuffer takes no more from a program than its pace allows", strict, async () => {
  const clock = new FakeClock();
  const log = new LogBuffer({ clock, pace: new OutputPace(clock) });
  const chunk = new TextEncoder().encode("y\n".repeat(KIB_64 / 2));
  let taken = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      taken += chunk.length;
      if (taken > 3 * MIB) controller.close();
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const capturing = log.capture("stdout", endless);
  for (let second = 0; second < 10; second++) await clock.advance(1000);
  // Its lines are what costs most.
  assertGreater(taken, KIB_64);
  assertLess(taken, MIB);
  log.hurry();
  for (let turn = 0; taken <= 3 * MIB; turn++) await clock.advance(1);
  await capturing;
  assertEquals(log.tail().length, 10_000);
  assertEquals(clock.sleepers, 0);
});
