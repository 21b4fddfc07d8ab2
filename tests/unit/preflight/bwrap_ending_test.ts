import { endingText, noAttempt } from "#src/preflight/bwrap_ending.ts";
import { assertEquals } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

const CASES = [
  {
    code: 1,
    stderr: "bwrap: No permissions\n",
    kind: undefined,
    text: "code 1 (bwrap: No permissions)",
  },
  { code: 1, stderr: "", kind: undefined, text: "code 1 (it said nothing)" },
  { code: 126, stderr: "bwrap: x\n", kind: undefined, text: "code 126 (bwrap: x)" },
  { code: 124, stderr: "bwrap: x\n", kind: "hung", text: "it did not end in time" },
  { code: 139, stderr: "", kind: "killed", text: "signal 11 ended it" },
  {
    code: 126,
    stderr: "bwrap-exec: cannot execute the program: EACCES\n",
    kind: "not executed",
    text: "cannot execute the program: EACCES",
  },
] as const;
for (const { code, stderr, kind, text } of CASES) {
  Deno.test(`a bwrap with code ${code} and ${JSON.stringify(stderr)} is told apart`, UNIT, () => {
    const result = { code, stdout: "", stderr };
    assertEquals(noAttempt(result)?.kind, kind);
    assertEquals(endingText(result), kind === undefined ? `it ended with ${text}` : text);
  });
}
