import { judgeLandlock } from "#src/sandbox/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const bwrapPath = "/usr/bin/bwrap";

for (
  const { abi, isSetId = false, reason } of [
    { abi: 0, reason: "the kernel has no Landlock, or was booted without it" },
    { abi: 5, reason: "the kernel's Landlock has version 5, want 6" },
    {
      abi: 6,
      isSetId: true,
      reason: "/usr/bin/bwrap is a set-id program, which loses its rights under Landlock",
    },
  ]
) {
  const what = isSetId ? "a bwrap with a set-id bit" : `version ${abi} of its interface`;
  Deno.test(`Landlock cannot hold sandboxes with ${what}`, strict, () => {
    assertEquals(judgeLandlock({ abi, bwrapPath, isSetId }), { kind: "none", reason });
  });
}

for (const abi of [6, 7, 20]) {
  Deno.test(`Landlock holds sandboxes with version ${abi} of its interface`, strict, () => {
    assertEquals(judgeLandlock({ abi, bwrapPath, isSetId: false }), { kind: "scoped" });
  });
}
