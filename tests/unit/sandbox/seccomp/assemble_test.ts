import { assemble, type Step } from "#src/sandbox/seccomp/assemble.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { instructionsOf, programFaults } from "#tests/support/classic_bpf.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const end: Step = { kind: "return", action: 0x7fff_0000 };
const label = (name: string): Step => ({ kind: "label", label: name });
const branch = (to: string): Step => ({ kind: "branch", on: "equal", value: 7, to });
const many = (count: number): Step[] => Array.from({ length: count }, () => end);

Deno.test("assemble() writes instructions as the kernel's structure has them", strict, () => {
  const program = assemble([
    { kind: "load", offset: 16 },
    { kind: "and", bits: 0xf },
    branch("there"),
    { kind: "branch", on: "atLeast", value: 0xffff_ffff, to: "there" },
    { kind: "branch", on: "anyBit", value: 0x8000_0000, to: "there" },
    { kind: "go", to: "there" },
    { kind: "return", action: 0x8000_0000 },
    label("there"),
    end,
  ]);
  assertEquals(instructionsOf(program), [
    { code: 0x20, jt: 0, jf: 0, k: 16 },
    { code: 0x54, jt: 0, jf: 0, k: 0xf },
    { code: 0x15, jt: 4, jf: 0, k: 7 },
    { code: 0x35, jt: 3, jf: 0, k: 0xffff_ffff },
    { code: 0x45, jt: 2, jf: 0, k: 0x8000_0000 },
    { code: 0x05, jt: 0, jf: 0, k: 1 },
    { code: 0x06, jt: 0, jf: 0, k: 0x8000_0000 },
    { code: 0x06, jt: 0, jf: 0, k: 0x7fff_0000 },
  ]);
  assertEquals([...program.subarray(16, 24)], [0x15, 0, 4, 0, 7, 0, 0, 0]);
});

Deno.test("a conditional jump reaches 255 instructions, another one any", strict, () => {
  assertEquals(
    instructionsOf(assemble([branch("far"), ...many(255), label("far"), end]))[0]?.jt,
    255,
  );
  assertThrows(
    () => assemble([branch("far"), ...many(256), label("far"), end]),
    RangeError,
    "cannot jump over 256 instructions to far: want 0 to 255",
  );
  const long = assemble([{ kind: "go", to: "far" }, ...many(3000), label("far"), end]);
  assertEquals(instructionsOf(long)[0]?.k, 3000);
  assertEquals(programFaults(instructionsOf(long)), []);
});

const refused: readonly (readonly [what: string, steps: Step[], message: string])[] = [
  ["a jump back", [label("here"), end, branch("here")], "cannot jump over -2 instructions to here"],
  ["a jump to nowhere", [branch("nowhere"), end], "there is no label nowhere"],
  ["a label that is given twice", [label("a"), end, label("a"), end], "label a is given twice"],
  ["more than the kernel takes", many(4097), "a program of 4097 instructions is too long"],
];
for (const [what, steps, message] of refused) {
  Deno.test(`assemble() refuses ${what}`, strict, () => {
    assertThrows(() => assemble(steps), RangeError, message);
  });
}
