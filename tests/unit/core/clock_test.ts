import { systemClock } from "#src/core/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Runs `fn` with timers that end at once and are written down instead of waited for. */
async function withInstantTimers(fn: () => Promise<unknown>): Promise<number[]> {
  const delays: number[] = [];
  const { setTimeout: real } = globalThis;
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    delays.push(ms);
    return real(callback, 0);
  }) as typeof setTimeout;
  try {
    await fn();
  } finally {
    globalThis.setTimeout = real;
  }
  return delays;
}

Deno.test("now() is the wall clock", SANE, () => {
  const before = Date.now();
  const now = systemClock.now();
  assert(before <= now && now <= Date.now());
});

Deno.test("monotonicMs() never steps back", SANE, () => {
  const first = systemClock.monotonicMs();
  assert(systemClock.monotonicMs() >= first);
});

Deno.test("sleep() waits for as long as it was told", SANE, async () => {
  assertEquals(await withInstantTimers(() => systemClock.sleep(1500)), [1500]);
});

Deno.test("sleep() waits on when one timer cannot hold the time", SANE, async () => {
  const delays = await withInstantTimers(() => systemClock.sleep(2 ** 32));
  assertEquals(delays, [2 ** 31 - 1, 2 ** 31 - 1, 2]);
});

Deno.test("sleep() ends when the signal is aborted and leaves no timer behind", SANE, async () => {
  const controller = new AbortController();
  const slept = systemClock.sleep(3_600_000, { signal: controller.signal });
  controller.abort();
  await slept;
});

Deno.test("sleep() does not start under an aborted signal", SANE, async () => {
  const delays = await withInstantTimers(() =>
    systemClock.sleep(3_600_000, { signal: AbortSignal.abort() })
  );
  assertEquals(delays, []);
});

Deno.test("sleep() takes its listener off the signal when it is over", SANE, async () => {
  const controller = new AbortController();
  const listeners = new Set<unknown>();
  const signal = controller.signal;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (type: string, listener: EventListener) => {
    listeners.add(listener);
    add(type, listener);
  };
  signal.removeEventListener = (type: string, listener: EventListener) => {
    listeners.delete(listener);
    remove(type, listener);
  };
  const slept = systemClock.sleep(1, { signal });
  assertEquals(listeners.size, 1);
  await slept;
  assertEquals(listeners.size, 0);
});
