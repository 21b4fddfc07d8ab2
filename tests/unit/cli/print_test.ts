import { printBytes } from "#src/cli/print.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Prints to an output whose every write does what `next` says: take so many bytes, or throw. */
function printTo(text: string, next: (length: number) => number | Error) {
  const decoder = new TextDecoder();
  const seen = { text: "", pauses: 0 };
  printBytes(new TextEncoder().encode(text), {
    writeSync(bytes) {
      const answer = next(bytes.length);
      if (answer instanceof Error) throw answer;
      seen.text += decoder.decode(bytes.subarray(0, answer), { stream: true });
      return answer;
    },
    pauseSync: () => void seen.pauses++,
  });
  return seen;
}

Deno.test("printBytes() goes on where a short write stopped", SANE, () => {
  assertEquals(printTo("zwölf\n", () => 1), { text: "zwölf\n", pauses: 0 });
});

Deno.test("printBytes() waits for a full pipe, and tries again after an interruption", SANE, () => {
  const answers = [
    new Deno.errors.WouldBlock("EAGAIN"),
    2,
    new Deno.errors.Interrupted("EINTR"),
    new Deno.errors.WouldBlock("EAGAIN"),
  ];
  const seen = printTo("hello", (length) => answers.shift() ?? length);
  assertEquals(seen, { text: "hello", pauses: 2 });
});

Deno.test("printBytes() takes a reader that has gone for one that has seen enough", SANE, () => {
  const answers = [2, new Deno.errors.BrokenPipe("EPIPE")];
  const seen = printTo("hello", (length) => answers.shift() ?? length);
  assertEquals(seen, { text: "he", pauses: 0 });
});

Deno.test("printBytes() says what it could not do, and keeps the reason", SANE, () => {
  const reason = new Error("No space left on device (os error 28)");
  const error = assertThrows(
    () => printTo("hello", () => reason),
    Error,
    "cannot write to standard output, want a file or pipe that takes all of it",
  );
  assertEquals(error.cause, reason);
});
