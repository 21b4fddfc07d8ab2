import { nearestName } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const KNOWN = ["bind", "data_dir", "log_level", "max_workers", "warm_workers"];

const CASES: readonly [name: string, nearest: string | undefined][] = [
  ["bnid", "bind"],
  ["binds", "bind"],
  ["bin", "bind"],
  ["dataDir", "data_dir"],
  ["data-dir", "data_dir"],
  ["LOG_LEVEL", "log_level"],
  ["max_worker", "max_workers"],
  ["warm_worker", "warm_workers"],
  ["zzzz", undefined],
  ["", undefined],
  ["b", undefined],
  ["completely_different", undefined],
];
for (const [name, nearest] of CASES) {
  Deno.test(`nearestName() finds ${nearest ?? "nothing"} for ${JSON.stringify(name)}`, SANE, () => {
    assertEquals(nearestName(name, KNOWN), nearest);
  });
}

Deno.test("nearestName() takes the first of two that are equally near", SANE, () => {
  assertEquals(nearestName("cat", ["bat", "hat"]), "bat");
});
