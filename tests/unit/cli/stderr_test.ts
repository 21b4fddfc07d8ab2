import { createLineWriter } from "#src/cli/stderr.ts";
import { assertEquals, assertGreater } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** A standard error whose every write does what `next` says: take so many bytes, or throw. */
function writerTo(next: (length: number) => number | Error) {
  const decoder = new TextDecoder();
  const seen = { text: "", pauses: 0 };
  const write = createLineWriter((count) => `lost ${count}`, {
    writeSync(bytes) {
      const answer = next(bytes.length);
      if (answer instanceof Error) throw answer;
      seen.text += decoder.decode(bytes.subarray(0, answer), { stream: true });
      return answer;
    },
    pauseSync: () => void seen.pauses++,
  });
  return { seen, write };
}

Deno.test("every line is written whole, with its end", SANE, () => {
  const { seen, write } = writerTo((length) => length);
  write("one");
  write("zwölf");
  assertEquals(seen, { text: "one\nzwölf\n", pauses: 0 });
});

Deno.test("a line goes on where a short write stopped", SANE, () => {
  const { seen, write } = writerTo(() => 1);
  write("zwölf");
  assertEquals(seen.text, "zwölf\n");
});

Deno.test("a full pipe and an interruption are waited out", SANE, () => {
  const answers = [
    new Deno.errors.WouldBlock("EAGAIN"),
    2,
    new Deno.errors.Interrupted("EINTR"),
    new Deno.errors.WouldBlock("EAGAIN"),
  ];
  const { seen, write } = writerTo((length) => answers.shift() ?? length);
  write("hello");
  assertEquals(seen, { text: "hello\n", pauses: 2 });
});

Deno.test(
  "a pipe that stays full loses lines, and their number is told when it empties",
  SANE,
  () => {
    let isFull = true;
    const { seen, write } = writerTo((length) => isFull ? new Deno.errors.WouldBlock("") : length);
    write("one");
    write("two");
    assertEquals(seen.text, "");
    assertGreater(seen.pauses, 0);
    isFull = false;
    write("three");
    write("four");
    assertEquals(seen.text, "lost 2\nthree\nfour\n");
  },
);

Deno.test("a line that was cut off by a loss is ended before the next one", SANE, () => {
  const answers: (number | Error)[] = [3, new Deno.errors.BrokenPipe("EPIPE")];
  const { seen, write } = writerTo((length) => answers.shift() ?? length);
  write("first");
  write("second");
  assertEquals(seen.text, "fir\nlost 1\nsecond\n");
});

Deno.test("a reader that is gone is not waited for, and nothing is thrown", SANE, () => {
  const { seen, write } = writerTo(() => new Deno.errors.BrokenPipe("EPIPE"));
  write("one");
  write("two");
  assertEquals(seen, { text: "", pauses: 0 });
});
