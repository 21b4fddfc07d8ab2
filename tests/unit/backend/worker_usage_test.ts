import { WorkerUsage } from "#src/backend/worker_usage.ts";
import type { GroupUsage } from "#src/cgroup/mod.ts";
import { toPid } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const LIMITS = { memoryBytes: 1000, cpuCores: 2, pids: 50 };

const COUNTED: GroupUsage = {
  cpuUsec: 0,
  memoryBytes: 300,
  memoryPeakBytes: 400,
  processes: 7,
  io: { readBytes: 1, writtenBytes: 2 },
  pressure: { cpu: 1, memory: 2, io: 3 },
};

function rig(group: Partial<GroupUsage> | undefined) {
  const clock = new FakeClock();
  let counted: GroupUsage = { ...COUNTED, ...group };
  const looks = { group: 0, processes: 0, memory: 0 };
  const usage = new WorkerUsage({
    group: group === undefined ? undefined : {
      limits: LIMITS,
      usage() {
        looks.group++;
        return Promise.resolve(counted);
      },
      pids: () => Promise.resolve([toPid(10), toPid(11)]),
    },
    processes: {
      sample() {
        looks.processes++;
        return Promise.resolve({ cpuPercent: 5, memoryBytes: 50, processes: 3 });
      },
    },
    memoryOf(pids) {
      looks.memory++;
      return 100 * pids.length;
    },
    pids: 256,
    clock,
  });
  return {
    usage,
    clock,
    looks,
    set: (next: Partial<GroupUsage>) => counted = { ...counted, ...next },
  };
}

Deno.test("a group that counts everything is asked alone", strict, async () => {
  const { usage, clock, looks, set } = rig({});
  await clock.advance(2000);
  set({ cpuUsec: 500_000 });
  assertEquals(await usage.sample(), {
    cpuPercent: 25,
    memoryBytes: 300,
    processes: 7,
    limits: LIMITS,
    memoryPeakBytes: 400,
    io: { readBytes: 1, writtenBytes: 2 },
    pressure: { cpu: 1, memory: 2, io: 3 },
  });
  assertEquals(looks, { group: 1, processes: 0, memory: 0 });
});

Deno.test("the share of a core is of the time since the look before", strict, async () => {
  const { usage, clock, set } = rig({});
  await clock.advance(1000);
  set({ cpuUsec: 1_000_000 });
  assertEquals((await usage.sample()).cpuPercent, 100);
  await clock.advance(4000);
  set({ cpuUsec: 2_000_000 });
  assertEquals((await usage.sample()).cpuPercent, 25);
  await clock.advance(1000);
  // A group that was removed in the midst has lost its count.
  set({ cpuUsec: 0 });
  assertEquals((await usage.sample()).cpuPercent, 0);
});

Deno.test("within a second all who ask are told the same, after one look", strict, async () => {
  const { usage, clock, looks } = rig({});
  const first = usage.sample();
  const rest = await Promise.all(Array.from({ length: 100 }, () => usage.sample()));
  assertEquals(new Set([await first, ...rest]).size, 1);
  await clock.advance(999);
  await usage.sample();
  assertEquals(looks.group, 1);
  await clock.advance(1);
  await usage.sample();
  assertEquals(looks.group, 2);
});

Deno.test("what a group does not count comes from its processes", strict, async () => {
  const nothing = { memoryBytes: undefined, memoryPeakBytes: undefined, processes: undefined };
  const { usage, clock, looks, set } = rig({ ...nothing, io: undefined, pressure: undefined });
  await clock.advance(1000);
  set({ cpuUsec: 100_000 });
  assertEquals(await usage.sample(), {
    cpuPercent: 10,
    memoryBytes: 200,
    processes: 2,
    limits: LIMITS,
  });
  assertEquals(looks, { group: 1, processes: 0, memory: 1 });
});

Deno.test("memory that no group counts is measured every few seconds", strict, async () => {
  const { usage, clock, looks } = rig({ memoryBytes: undefined });
  await usage.sample();
  for (const [ms, measured] of [[1000, 1], [1400, 1], [5100, 2], [2400, 2], [5100, 3]] as const) {
    await clock.advance(ms);
    assertEquals((await usage.sample()).memoryBytes, 200);
    assertEquals(looks.memory, measured, `${clock.monotonicMs()} ms`);
  }
});

Deno.test("without a group the processes say all there is", strict, async () => {
  const { usage } = rig(undefined);
  assertEquals(await usage.sample(), {
    cpuPercent: 5,
    memoryBytes: 50,
    processes: 3,
    limits: { memoryBytes: 0, cpuCores: 0, pids: 256 },
  });
});
