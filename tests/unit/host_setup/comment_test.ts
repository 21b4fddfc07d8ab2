import { commentCommand, commentLines } from "#src/host_setup/comment.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("commentLines() breaks a text between words and loses none", UNIT, () => {
  const words = Array.from({ length: 60 }, (_, index) => "w".repeat(1 + index % 13));
  const lines = commentLines(words.join(" "));
  assert(lines.length > 3);
  assert(lines.every((line) => line.startsWith("# w") && line.length <= 100), lines.join("\n"));
  assertEquals(lines.flatMap((line) => line.slice(2).split(" ")), words);
});

Deno.test("commentLines() leaves a word that is longer than a line whole", UNIT, () => {
  const long = `/${"x".repeat(120)}`;
  assertEquals(commentLines(`see ${long} there`), ["# see", `# ${long}`, "# there"]);
});

Deno.test("a line break cannot end a comment", UNIT, () => {
  const text = "because of /tmp/a\nExecStartPre=/bin/x";
  assertThrows(() => commentLines(text), RangeError, "want paths without control characters");
  assertThrows(() => commentCommand(text), RangeError, "want paths without control characters");
});
