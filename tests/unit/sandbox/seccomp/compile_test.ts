import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import { compilePolicy } from "#src/sandbox/seccomp/compile.ts";
import { POLICY, type Verdict } from "#src/sandbox/seccomp/policy/mod.ts";
import { assertEquals, assertLess } from "#tests/support/assert.ts";
import { instructionsOf, programFaults, runProgram } from "#tests/support/classic_bpf.ts";
import { judgeBy, outcomeOf } from "./evaluate.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const ARCHS = Object.keys(SECCOMP_ARCHS) as SeccompArch[];
/** The same arguments in every run. */
const SEED = 20_240_229;
/** How many draws of arguments each call gets, and each of those whose arguments are tested. */
const DRAWS = 8;
const TESTED_DRAWS = 2000;

/** __X32_SYSCALL_BIT of asm/unistd.h. */
const X32 = 0x4000_0000;
/** AUDIT_ARCH_I386, _ARM, and the two of the other byte order, linux/audit.h. */
const FOREIGN_ARCHS = [0x4000_0003, 0x4000_0028, 0x8000_003e, 0x8000_00b7, 0, 0xffff_ffff];

/** Numbers from 0 to 2^32 - 1, mulberry32. */
function drawing(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Values at which an answer can change: those of a verdict, their neighbours, single bits. */
function boundaries(verdict: Verdict | undefined): readonly number[] {
  const tests = verdict?.kind === "check" ? verdict.cases.flat() : [];
  const values = tests.flatMap(({ mask = 0, ...test }) => {
    const [named = {}] = Object.values(test).filter((value) => typeof value === "object");
    return [...Object.values(named), mask];
  });
  const edges = values.flatMap((value) => [value - 1, value + 1, ~value >>> 0]);
  const bits = Array.from({ length: 32 }, (_, bit) => 2 ** bit);
  // The values themselves as often as all else, so that they come together.
  const often = Array.from({ length: Math.ceil(40 / (values.length + 1)) }, () => values).flat();
  return [...often, 0, ...edges, ...bits].filter((value) => value >= 0 && value <= 0xffff_ffff);
}

function argumentsFrom(draw: () => number, pool: readonly number[]): bigint[] {
  const low = () => draw() % 4 === 0 ? draw() : pool[draw() % pool.length] ?? 0;
  const high = () => [0, 0, 1, 0xffff_ffff, draw()][draw() % 5] ?? 0;
  return Array.from({ length: 6 }, () => BigInt(high()) << 32n | BigInt(low()));
}

for (const arch of ARCHS) {
  const { audit, numbers } = SECCOMP_ARCHS[arch];
  const newest = Math.max(...numbers.values());
  const program = instructionsOf(compilePolicy(POLICY, arch));

  Deno.test(`the kernel takes the filter for ${arch}, which is short`, strict, () => {
    assertEquals(programFaults(program), []);
    assertLess(program.length, 400);
  });

  Deno.test(`the filter for ${arch} does what the policy says, for every number`, strict, () => {
    const judge = judgeBy(POLICY, arch);
    const draw = drawing(SEED);
    const beyond = [...numbers.values()].map((number) => X32 + number);
    const odd = [X32 - 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - newest, 2 ** 32 - 2, 2 ** 32 - 1];
    const all = [...Array(newest + 100).keys(), ...beyond, ...odd];
    const verdicts = new Map(
      POLICY.flatMap(({ verdict, calls }) => calls.map((call) => [numbers.get(call), verdict])),
    );
    const seen = new Map<number, Set<string>>();
    for (const number of all) {
      const verdict = verdicts.get(number);
      const pool = boundaries(verdict);
      for (let count = verdict?.kind === "check" ? TESTED_DRAWS : DRAWS; count > 0; count--) {
        const data = { number, arch: audit, args: argumentsFrom(draw, pool) };
        const found = outcomeOf(runProgram(program, data));
        // Not each by an assertion of its own, of which there would be a hundred thousand.
        if (found !== judge(data)) assertEquals(found, judge(data), JSON.stringify(data, hex));
        seen.set(number, (seen.get(number) ?? new Set()).add(found));
      }
    }
    for (const [number, verdict] of verdicts) {
      if (number === undefined || verdict.kind !== "check") continue;
      const wanted = new Set(["ALLOW", verdict.errno]);
      assertEquals(seen.get(number), wanted, `${number}: the draws were not telling`);
    }
  });

  Deno.test(`the filter for ${arch} ends a process that calls by another entry`, strict, () => {
    const others = ARCHS.filter((other) => other !== arch).map((other) =>
      SECCOMP_ARCHS[other].audit
    );
    for (const foreign of [...FOREIGN_ARCHS, ...others]) {
      for (const number of [0, 1, newest, X32, 2 ** 32 - 1]) {
        const data = { number, arch: foreign, args: [] };
        assertEquals(outcomeOf(runProgram(program, data)), "KILL");
      }
    }
  });

  Deno.test(
    `calls that ${arch} got later are unknown, for the C library to do without`,
    strict,
    () => {
      for (let number = newest + 1; number < newest + 1000; number++) {
        const data = { number, arch: audit, args: [] };
        assertEquals(outcomeOf(runProgram(program, data)), "ENOSYS");
      }
    },
  );
}

Deno.test("a policy without groups lets nothing pass", strict, () => {
  const program = instructionsOf(compilePolicy([], "x86_64"));
  assertEquals(programFaults(program), []);
  const { audit } = SECCOMP_ARCHS.x86_64;
  assertEquals(outcomeOf(runProgram(program, { number: 0, arch: audit, args: [] })), "ENOSYS");
});

/** Numbers as the kernel's headers write them. */
function hex(_key: string, value: unknown): unknown {
  return typeof value === "bigint" || typeof value === "number" ? `0x${value.toString(16)}` : value;
}
