import { untilSignal } from "#src/cli/signals.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Signals that come when the test says so. */
function fakeSignals() {
  const [asked, again] = [
    Promise.withResolvers<Deno.Signal>(),
    Promise.withResolvers<Deno.Signal>(),
  ];
  return {
    asked,
    again,
    options: { asked: asked.promise, signals: { next: () => again.promise } },
  };
}

/** Ends only when it is given up, and then only when the test says so. */
function stubborn() {
  const [abort, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const action = async (signal: AbortSignal): Promise<string> => {
    signal.addEventListener("abort", () => abort.resolve());
    await end.promise;
    throw signal.reason;
  };
  return { action, aborted: abort.promise, end: () => end.resolve() };
}

Deno.test("untilSignal() returns what comes before a signal", SANE, async () => {
  const { options } = fakeSignals();
  assertEquals(await untilSignal(() => Promise.resolve(7), options), { result: 7 });
  const broken = () => Promise.reject(new Error("it is broken"));
  await assertRejects(() => untilSignal(broken, options), Error, "it is broken");
});

Deno.test("untilSignal() waits for what it gave up", SANE, async () => {
  const { asked, options } = fakeSignals();
  const { action, aborted, end } = stubborn();
  const ending = untilSignal(action, options);
  asked.resolve("SIGTERM");
  await aborted;
  end();
  assertEquals(await ending, { signal: "SIGTERM", isClean: true });
});

Deno.test("untilSignal() waits no longer when a second signal comes", SANE, async () => {
  const { asked, again, options } = fakeSignals();
  const { action, aborted, end } = stubborn();
  const ending = untilSignal(action, options);
  asked.resolve("SIGINT");
  await aborted;
  again.resolve("SIGINT");
  assertEquals(await ending, { signal: "SIGINT", isClean: false });
  end();
});
