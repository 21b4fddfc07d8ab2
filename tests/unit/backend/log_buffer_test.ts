import type { LogLine } from "#src/backend/backend.ts";
import { CUT_MARKER_BYTES } from "#src/backend/line_splitter.ts";
import { LogBuffer, type LogBufferOptions } from "#src/backend/log_buffer.ts";
import { assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** A stream that a test writes to; it has no queue limit, like a pipe that is always read. */
function pipe() {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const readable = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
  return {
    readable,
    write: (text: string) => controller?.enqueue(new TextEncoder().encode(text)),
    end: () => controller?.close(),
    fail: (error: Error) => controller?.error(error),
  };
}

/** A buffer that captures both streams of a program. */
function program(options: LogBufferOptions = {}) {
  const log = new LogBuffer(options);
  const stdout = pipe();
  const stderr = pipe();
  const captured = Promise.all([
    log.capture("stdout", stdout.readable),
    log.capture("stderr", stderr.readable),
  ]);
  return { log, stdout, stderr, captured };
}

async function texts(lines: AsyncIterable<LogLine>): Promise<string[]> {
  return (await Array.fromAsync(lines)).map(({ text }) => text);
}

/** Lets everything run that is ready to. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

Deno.test("LogBuffer keeps both streams in one order, numbered and timed", strict, async () => {
  let now = 1000;
  const { log, stdout, stderr, captured } = program({ clock: { now: () => now++ } });
  stdout.write("out\n");
  await settle();
  stderr.write("err\n");
  await settle();
  stdout.write("last");
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(log.tail(), [
    { seq: 1, stream: "stdout", timeMs: 1000, text: "out" },
    { seq: 2, stream: "stderr", timeMs: 1001, text: "err" },
    { seq: 3, stream: "stdout", timeMs: 1002, text: "last" },
  ]);
});

Deno.test("LogBuffer keeps the lines of the two streams apart", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  stdout.write("half ");
  await settle();
  stderr.write("other\n");
  await settle();
  stdout.write("whole\n");
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(log.tail().map(({ text }) => text), ["other", "half whole"]);
});

Deno.test("LogBuffer drops the oldest lines when there are too many", strict, async () => {
  const { log, stdout, stderr, captured } = program({ maxLines: 3 });
  stdout.write("1\n2\n3\n4\n5\n6\n7\n8\n");
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(log.tail().map(({ seq, text }) => [seq, text]), [[6, "6"], [7, "7"], [8, "8"]]);
  assertEquals(await texts(log.read()), ["6", "7", "8"]);
});

Deno.test("LogBuffer drops the oldest lines when they are too big together", strict, async () => {
  const maxLineBytes = 10;
  const maxBytes = 2 * maxLineBytes + CUT_MARKER_BYTES;
  const { log, stdout, stderr, captured } = program({ maxLineBytes, maxBytes });
  stdout.write("ä2345678\nb\nc\n".repeat(5));
  stdout.write("123456789ä\n");
  stdout.write("123456789\n");
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(log.tail().map(({ text }) => text), ["b", "c", "123456789 …[cut]", "123456789"]);
});

Deno.test(
  "LogBuffer cuts a line at 16 KiB and goes on, unless told otherwise",
  strict,
  async () => {
    const { log, stdout, stderr, captured } = program();
    stdout.write(`${"x".repeat(100_000)}\n${"y".repeat(16 * 1024)}\n`);
    stdout.end();
    stderr.end();
    await captured;
    assertEquals(log.tail().map(({ text }) => text), [
      `${"x".repeat(16 * 1024)} …[cut]`,
      "y".repeat(16 * 1024),
    ]);
  },
);

Deno.test("LogBuffer keeps 10 000 lines and 4 MiB unless told otherwise", strict, async () => {
  const lines = program();
  lines.stdout.write("x\n".repeat(12_000));
  lines.stdout.end();
  lines.stderr.end();
  await lines.captured;
  assertEquals(lines.log.tail().length, 10_000);
  const bytes = program();
  for (let i = 0; i < 500; i++) bytes.stdout.write(`${"x".repeat(10_000)}\n`);
  bytes.stdout.end();
  bytes.stderr.end();
  await bytes.captured;
  assertEquals(bytes.log.tail().length, Math.floor(4 * 1024 ** 2 / 10_000));
});

Deno.test("LogBuffer.tail() takes the newest lines", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  assertEquals(log.tail(5), []);
  stdout.write("1\n2\n3\n");
  stdout.end();
  stderr.end();
  await captured;
  const tail = (count: number) => log.tail(count).map(({ text }) => text);
  assertEquals([tail(0), tail(2), tail(9)], [[], ["2", "3"], ["1", "2", "3"]]);
});

Deno.test("LogBuffer.read() without follow ends at the newest line", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  stdout.write("1\n2\n");
  await settle();
  assertEquals(await texts(log.read()), ["1", "2"]);
  const seen: string[] = [];
  for await (const { text } of log.read()) {
    seen.push(text);
    stdout.write("more\n");
    await settle();
  }
  assertEquals(seen, ["1", "2"]);
  stdout.end();
  stderr.end();
  await captured;
});

Deno.test("a follower sees everything until both streams have ended", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  stdout.write("before\n");
  await settle();
  const followed = texts(log.read({ follow: true }));
  stdout.write("out\n");
  stdout.end();
  await settle();
  stderr.write("after the end of stdout\n");
  await settle();
  stderr.write("last words");
  stderr.end();
  await captured;
  assertEquals(await followed, ["before", "out", "after the end of stdout", "last words"]);
  assertEquals(await texts(log.read({ follow: true })), await followed);
});

Deno.test("many followers see the same, also those that come late", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const followers: Promise<string[]>[] = [];
  for (let i = 0; i < 50; i++) {
    followers.push(texts(log.read({ follow: true })));
    stdout.write(`${i}\n`);
    await settle();
  }
  stdout.end();
  stderr.end();
  await captured;
  const all = Array.from({ length: 50 }, (_, i) => String(i));
  for (const follower of followers) assertEquals(await follower, all);
});

Deno.test(
  "a slow follower finds a gap in the numbers, and nobody waits for it",
  strict,
  async () => {
    const { log, stdout, stderr, captured } = program({ maxLines: 3 });
    const slow = log.read({ follow: true })[Symbol.asyncIterator]();
    stdout.write("1\n");
    assertEquals((await slow.next()).value?.seq, 1);
    stdout.write("2\n3\n4\n5\n6\n7\n");
    stdout.end();
    stderr.end();
    await captured;
    const rest: number[] = [];
    for (let step = await slow.next(); !step.done; step = await slow.next()) {
      rest.push(step.value.seq);
    }
    assertEquals(rest, [5, 6, 7]);
  },
);

Deno.test("an abort ends a waiting follower without an error", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const stop = new AbortController();
  const followed = texts(log.read({ follow: true, signal: stop.signal }));
  stdout.write("1\n");
  await settle();
  stop.abort();
  assertEquals(await followed, ["1"]);
  assertEquals(await texts(log.read({ follow: true, signal: stop.signal })), []);
  assertEquals(await texts(log.read({ signal: stop.signal })), []);
  stdout.end();
  stderr.end();
  await captured;
});

Deno.test("an abort ends a follower between two lines", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const stop = new AbortController();
  stdout.write("1\n2\n3\n");
  stdout.end();
  stderr.end();
  await captured;
  const seen: string[] = [];
  for await (const { text } of log.read({ follow: true, signal: stop.signal })) {
    seen.push(text);
    if (text === "2") stop.abort();
  }
  assertEquals(seen, ["1", "2"]);
});

Deno.test("return() ends a follower that waits for a line", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const follower = log.read({ follow: true })[Symbol.asyncIterator]();
  const waiting = follower.next();
  await settle();
  await follower.return?.();
  assertEquals(await waiting, { done: true, value: undefined });
  assertEquals((await follower.next()).done, true);
  stdout.end();
  stderr.end();
  await captured;
});

Deno.test("a follower leaves no listener on its signal", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const stop = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = stop.signal;
  stop.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(stop.signal, args);
  };
  stop.signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(stop.signal, args);
  };
  const followed = texts(log.read({ follow: true, signal: stop.signal }));
  for (const line of ["1\n", "2\n", "3\n"]) {
    await settle();
    assertEquals(listeners, 1);
    stdout.write(line);
  }
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(await followed, ["1", "2", "3"]);
  assertEquals(listeners, 0);
});

Deno.test("close() ends the followers of a program that never ran", strict, async () => {
  const log = new LogBuffer();
  const followed = texts(log.read({ follow: true }));
  await settle();
  log.close();
  assertEquals(await followed, []);
});

Deno.test("capture() refuses a stream that is captured already", strict, async () => {
  const { log, stdout, stderr, captured } = program();
  const error = await assertRejects(() => log.capture("stdout", pipe().readable), TypeError);
  assertEquals(
    error.message,
    "cannot capture stdout a second time: want one stream of each name",
  );
  stdout.write("still read\n");
  stdout.end();
  stderr.end();
  await captured;
  assertEquals(log.tail().map(({ text }) => text), ["still read"]);
});

Deno.test(
  "capture() keeps what came before reading failed, and followers end",
  strict,
  async () => {
    const log = new LogBuffer();
    const broken = pipe();
    const followed = texts(log.read({ follow: true }));
    const capturing = assertRejects(
      () => log.capture("stdout", broken.readable),
      Error,
      "broken pipe",
    );
    broken.write("whole\nhalf");
    await settle();
    broken.fail(new Error("broken pipe"));
    await capturing;
    const other = pipe();
    other.end();
    await log.capture("stderr", other.readable);
    assertEquals(await followed, ["whole", "half"]);
  },
);

Deno.test("LogBuffer refuses limits that it cannot keep", strict, () => {
  const message = (options: LogBufferOptions) =>
    assertThrows(() => new LogBuffer(options), RangeError).message;
  assertEquals(
    message({ maxLines: 0 }),
    "cannot keep 0 lines of a log: want a whole number of 1 or above",
  );
  assertEquals(
    message({ maxLineBytes: 1.5 }),
    "cannot keep 1.5 bytes in a line of a log: want a whole number of 1 or above",
  );
  assertEquals(
    message({ maxLineBytes: 100, maxBytes: 100 }),
    "cannot keep 100 bytes of a log: want a whole number of 109 or above",
  );
});
