import { sweepOrphans } from "#src/orphan_sweep.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "orphans are looked for at every interval, and only finds are logged",
  strict,
  async () => {
    const clock = new FakeClock();
    const log = new RecordingLogger();
    const ending = new AbortController();
    const found = [0, 3, 0];
    let looks = 0;
    const sweep = sweepOrphans(() => {
      looks++;
      return Promise.resolve(found.shift() ?? 0);
    }, { intervalMs: 1000, signal: ending.signal, clock, log });
    await clock.advance(999);
    assertEquals(looks, 0);
    await clock.advance(2001);
    assertEquals(looks, 3);
    assertEquals(log.records, [{
      level: "info",
      message: "slots of servers that are gone were taken back",
      fields: { slots: 3 },
    }]);
    ending.abort();
    await sweep;
    assertEquals(clock.sleepers, 0);
  },
);

Deno.test("a look that fails is followed by the next", strict, async () => {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const ending = new AbortController();
  let looks = 0;
  const sweep = sweepOrphans(() => {
    looks++;
    return Promise.reject(new Error("redis at 127.0.0.1:1 did not answer"));
  }, { intervalMs: 1000, signal: ending.signal, clock, log });
  await clock.advance(2000);
  assertEquals(looks, 2);
  assertEquals(log.at("warn").map(({ fields }) => fields), [
    { error: "redis at 127.0.0.1:1 did not answer" },
    { error: "redis at 127.0.0.1:1 did not answer" },
  ]);
  ending.abort();
  await sweep;
});
