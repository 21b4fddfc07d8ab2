import {
  checkLimits,
  cpuWrites,
  type GroupLimits,
  type LimitWrite,
  memoryWrites,
  pidsWrites,
  readLimits,
} from "#src/cgroup/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MIB = 1024 ** 2;
const NONE: GroupLimits = { memoryBytes: 0, cpuCores: 0, pids: 0 };

const texts = (writes: readonly LimitWrite[]) =>
  writes.map(({ file, value, isOptional }) => `${file} ${value}${isOptional ? " if there" : ""}`);

Deno.test("a limit of memory comes with where the kernel begins to slow down", UNIT, () => {
  assertEquals(texts(memoryWrites(256 * MIB, undefined)), [
    "memory.oom.group 1 if there",
    "memory.swap.max 0 if there",
    `memory.high ${252 * MIB}`,
    `memory.max ${256 * MIB}`,
  ]);
});

for (
  const { from, to } of [
    { from: undefined, to: 64 * MIB },
    { from: 64 * MIB, to: 32 * MIB },
    { from: 32 * MIB, to: 32 * MIB },
    { from: 32 * MIB, to: 33 * MIB },
    { from: 32 * MIB, to: 1024 * MIB },
    { from: 32 * MIB, to: 0 },
    { from: undefined, to: 0 },
  ]
) {
  Deno.test(`from ${from ?? "none"} to ${to} high is never above max`, UNIT, () => {
    let max = from ?? Infinity;
    let high = from === undefined ? Infinity : from - from / 64;
    for (const { file, value } of memoryWrites(to, from)) {
      const number = value === "max" ? Infinity : Number(value);
      if (file === "memory.max") max = number;
      if (file === "memory.high") high = number;
      assertEquals(high <= max, true, `${high} is above ${max}`);
    }
    assertEquals(
      [max, high],
      to === 0 ? [Infinity, Infinity] : [to, to - Math.min(to / 64, 4 * MIB)],
    );
  });
}

Deno.test("without a limit of memory the group may swap again", UNIT, () => {
  assertEquals(texts(memoryWrites(0, 64 * MIB)), [
    "memory.oom.group 1 if there",
    "memory.swap.max max if there",
    "memory.max max",
    "memory.high max",
  ]);
});

for (
  const { cores, max, weight } of [
    { cores: 0.5, max: "50000 100000", weight: "50" },
    { cores: 4, max: "400000 100000", weight: "400" },
    { cores: 1 / 3, max: "33333 100000", weight: "33" },
    { cores: 0.001, max: "1000 100000", weight: "1" },
    { cores: 512, max: "51200000 100000", weight: "10000" },
  ]
) {
  Deno.test(`${cores} cores are ${max} and a weight of ${weight}`, UNIT, () => {
    assertEquals(texts(cpuWrites(cores)), [`cpu.max ${max}`, `cpu.weight ${weight} if there`]);
  });
}

Deno.test("without a limit of CPU the weight is that of others", UNIT, () => {
  assertEquals(texts(cpuWrites(0)), ["cpu.max max 100000 if there", "cpu.weight 100 if there"]);
});

Deno.test("processes are limited, or not", UNIT, () => {
  assertEquals(texts(pidsWrites(256)), ["pids.max 256"]);
  assertEquals(texts(pidsWrites(0)), ["pids.max max"]);
});

Deno.test("limits that the kernel could hold a group to pass", UNIT, () => {
  checkLimits(NONE);
  checkLimits({ memoryBytes: MIB, cpuCores: 0.01, pids: 1 });
  checkLimits({ memoryBytes: 2 ** 50, cpuCores: 512, pids: 4_194_304 });
});

for (
  const { limits, message } of [
    { limits: { memoryBytes: -1 }, message: "cannot limit memory to -1" },
    { limits: { memoryBytes: MIB - 1 }, message: "whole number of bytes from 1048576" },
    { limits: { memoryBytes: MIB + 0.5 }, message: "cannot limit memory to 1048576.5" },
    { limits: { memoryBytes: NaN }, message: "cannot limit memory to NaN" },
    { limits: { memoryBytes: 2 ** 60 }, message: "cannot limit memory to" },
    { limits: { cpuCores: -0.5 }, message: "cannot limit CPU to -0.5" },
    { limits: { cpuCores: Infinity }, message: "cannot limit CPU to Infinity" },
    { limits: { pids: 1.5 }, message: "cannot limit processes to 1.5" },
    { limits: { pids: 4_194_305 }, message: "whole number from 0 to 4194304" },
  ]
) {
  Deno.test(`${JSON.stringify(limits)} is refused: ${message}`, UNIT, () => {
    assertThrows(() => checkLimits({ ...NONE, ...limits }), RangeError, message);
  });
}

Deno.test("limits are read as the kernel has them", UNIT, async () => {
  const groups = new FakeGroups({
    "/cg/a": { "memory.max": "1048576\n", "cpu.max": "150000 100000\n", "pids.max": "7\n" },
    "/cg/b": { "memory.max": "max\n", "cpu.max": "max 100000\n", "pids.max": "max\n" },
  });
  const limits = { memoryBytes: MIB, cpuCores: 1.5, pids: 7 };
  assertEquals(await readLimits("/cg/a", groups), limits);
  assertEquals(await readLimits("/cg/b", groups), NONE);
  assertEquals(await readLimits("/cg/gone", groups), NONE);
});
