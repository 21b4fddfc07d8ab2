import { mayHave, SYMLINK_HOLE, TRACE_HOLE } from "#src/preflight/bwrap_holes.ts";
import type { BwrapVersion } from "#src/preflight/bwrap_version.ts";
import { assertEquals } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "a version may have the holes that were made before it and repaired after it",
  UNIT,
  () => {
    const cases: readonly (readonly [BwrapVersion, holes: readonly string[]])[] = [
      [[0, 7, 0], ["CVE-2026-87766"]],
      [[0, 10, 0], ["CVE-2026-87766"]],
      [[0, 11, 0], ["CVE-2026-87766", "CVE-2026-41163"]],
      [[0, 11, 1], ["CVE-2026-87766", "CVE-2026-41163"]],
      [[0, 11, 2], ["CVE-2026-87766"]],
      [[0, 12, 0], []],
      [[1, 0, 0], []],
    ];
    for (const [version, holes] of cases) {
      const found = [SYMLINK_HOLE, TRACE_HOLE].filter((hole) => mayHave(version, hole));
      assertEquals(found.map(({ id }) => id), holes, version.join("."));
    }
  },
);
