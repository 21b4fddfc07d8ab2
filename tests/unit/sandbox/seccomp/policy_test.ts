import { SECCOMP_ARCHS } from "#src/sandbox/seccomp/call_numbers.ts";
import { POLICY } from "#src/sandbox/seccomp/policy/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const named = POLICY.flatMap(({ calls }) => calls);

Deno.test(
  "every call of every architecture is in one group of the policy, and no other is",
  strict,
  () => {
    const known = Object.values(SECCOMP_ARCHS).flatMap(({ numbers }) => [...numbers.keys()]);
    assertEquals(named.toSorted(), [...new Set(known)].sort());
  },
);

Deno.test("every group has a name of its own, a reason in sentences, and calls", strict, () => {
  assertEquals(new Set(POLICY.map(({ name }) => name)).size, POLICY.length);
  for (const { name, reason, calls } of POLICY) {
    assert(/^\S.*\S$/.test(name) && calls.length > 0, name);
    assert(/^[A-Za-z].{20,}\.$/.test(reason), `${name}: ${reason}`);
  }
});

Deno.test("what is tested of an argument are bits that the kernel takes", strict, () => {
  const tests = POLICY.flatMap(({ verdict }) =>
    verdict.kind === "check" ? verdict.cases.flat() : []
  );
  for (const { argument, index, mask = 0xffff_ffff, ...test } of tests) {
    assert(Number.isInteger(index) && index >= 0 && index < 6, argument);
    const [values = {}] = Object.values(test);
    for (const [name, value] of Object.entries(values)) {
      assertEquals(value, (value & mask) >>> 0, name);
    }
    assertEquals(new Set(Object.values(values)).size, Object.keys(values).length, argument);
  }
});
