import { hasEnded, statusFaults } from "#src/preflight/process_faults.ts";
import { deepStrictEqual, strictEqual } from "node:assert/strict";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const IDS = { uid: 1900000001, gid: 1900000000 };
const STATUS = [
  ...[
    "Name:\tsleep",
    "State:\tS (sleeping)",
    "Uid:\t1900000001\t1900000001\t1900000001\t1900000001",
  ],
  ...["Gid:\t1900000000\t1900000000\t1900000000\t1900000000", "Groups:\t "],
  ...["CapEff:\t0000000000000000", "NoNewPrivs:\t1", ""],
].join("\n");

Deno.test("a process with its own ids and nothing else has no faults", UNIT, () => {
  deepStrictEqual(statusFaults(STATUS, IDS), []);
});

for (
  const { from, to, fault } of [
    { from: /Uid:.*/, to: "Uid:\t0\t0\t0\t0", fault: "Uid 0 0 0 0" },
    { from: /Gid:.*\n/, to: "", fault: "Gid unknown" },
    { from: /Groups:.*/, to: "Groups:\t4 27 ", fault: "Groups 4 27" },
    { from: /CapEff:.*/, to: "CapEff:\t0000000000200000", fault: "CapEff 0000000000200000" },
    { from: /NoNewPrivs:.*/, to: "NoNewPrivs:\t0", fault: "NoNewPrivs 0" },
  ]
) {
  Deno.test(`a process with ${fault} has that fault`, UNIT, () => {
    deepStrictEqual(statusFaults(STATUS.replace(from, to), IDS), [fault]);
  });
}

Deno.test("a zombie has ended, and so has what does not say", UNIT, () => {
  for (const state of ["S (sleeping)", "R (running)", "D (disk sleep)", "T (stopped)"]) {
    strictEqual(hasEnded(STATUS.replace(/State:.*/, `State:\t${state}`)), false);
  }
  for (const line of ["State:\tZ (zombie)", "State:\tX (dead)", "State:", ""]) {
    strictEqual(hasEnded(STATUS.replace(/State:.*/, line)), true, line);
  }
});
