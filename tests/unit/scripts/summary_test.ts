import { addCounts, countTests, ignoredNames } from "#scripts/testing/summary.ts";
import { assertEquals } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

Deno.test("countTests() reads the closing line of a run that passed", sanitize, () => {
  const output = "a ... ok (1ms)\n\nok | 12 passed | 0 failed | 3 ignored (38ms)\n\n";
  assertEquals(countTests(output, 0), { passed: 12, failed: 0, ignored: 3 });
});

Deno.test("countTests() reads the closing line of a run with steps and failures", sanitize, () => {
  const output =
    "FAILED | 2 passed (1 step) | 4 failed | 1 ignored (162ms)\n\nerror: Test failed\n";
  assertEquals(countTests(output, 1), { passed: 2, failed: 4, ignored: 1 });
});

Deno.test(
  "countTests() takes the last closing line, whatever a test has printed before",
  sanitize,
  () => {
    const output = "ok | 99 passed | 0 failed (1ms)\nok | 1 passed | 0 failed (2ms)\n";
    assertEquals(countTests(output, 0), { passed: 1, failed: 0, ignored: 0 });
  },
);

Deno.test("countTests() counts a run that came to no end as one failure", sanitize, () => {
  assertEquals(countTests("a ... ok (1ms)\n", 137), { passed: 0, failed: 1, ignored: 0 });
  assertEquals(countTests("", 0), { passed: 0, failed: 1, ignored: 0 });
});

Deno.test("countTests() counts a failure that the closing line does not show", sanitize, () => {
  const output = "ok | 5 passed | 0 failed (2ms)\nerror: coverage too low\n";
  assertEquals(countTests(output, 1), { passed: 5, failed: 1, ignored: 0 });
});

Deno.test("ignoredNames() lists what was left out", sanitize, () => {
  const output = "a ... ok (1ms)\nspawn() needs root ... ignored (0ms)\nb ... ignored (0ms)\n";
  assertEquals(ignoredNames(output), ["spawn() needs root", "b"]);
});

Deno.test(
  "addCounts() counts what was left out as failed only where all must run",
  sanitize,
  () => {
    const all = [{ passed: 3, failed: 1, ignored: 2 }, { passed: 4, failed: 0, ignored: 1 }];
    assertEquals(addCounts(all, { mustRun: false }), { passed: 7, failed: 1, ignored: 3 });
    assertEquals(addCounts(all, { mustRun: true }), { passed: 7, failed: 4, ignored: 3 });
  },
);
