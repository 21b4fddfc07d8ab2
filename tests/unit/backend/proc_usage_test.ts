import { UsageSampler } from "#src/backend/proc/mod.ts";
import { cpuTicksBetween, type TreeTimes } from "#src/backend/proc/usage.ts";
import { toPid } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { fakeProc, type FakeProcess } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const NOTHING = { cpuPercent: 0, memoryBytes: 0, processes: 0 };

function times(processes: Record<string, [own: number, reaped: number]>): TreeTimes {
  return new Map(
    Object.entries(processes).map((
      [key, [cpuTicks, reapedCpuTicks]],
    ) => [key, { cpuTicks, reapedCpuTicks }]),
  );
}

function top(process: Partial<FakeProcess> & { children?: number[] }): FakeProcess {
  const { children = [], ...rest } = process;
  return { pid: 10, threads: { 10: { children } }, ...rest };
}

Deno.test("cpuTicksBetween() adds up the whole tree", strict, () => {
  const before = times({ top: [10, 5], child: [20, 0] });
  const after = times({ top: [11, 5], child: [50, 0], fresh: [7, 2] });
  assertEquals(cpuTicksBetween(before, after), 1 + 30 + 9);
  assertEquals(cpuTicksBetween(new Map(), before), 35);
});

Deno.test("cpuTicksBetween() counts a child that ended once, through its parent", strict, () => {
  const before = times({ top: [10, 0], child: [100, 0] });
  assertEquals(cpuTicksBetween(before, times({ top: [10, 103] })), 3);
});

Deno.test("cpuTicksBetween() is never negative when the time of a child is lost", strict, () => {
  const before = times({ top: [10, 0], child: [100, 0] });
  assertEquals(cpuTicksBetween(before, times({ top: [14, 0] })), 4);
  assertEquals(cpuTicksBetween(before, times({ top: [14, 0], fresh: [6, 1] })), 11);
  assertEquals(cpuTicksBetween(before, new Map()), 0);
});

Deno.test("cpuTicksBetween() does not take one process for another of the same pid", strict, () => {
  assertEquals(cpuTicksBetween(times({ "5 100": [90, 0] }), times({ "5 200": [3, 0] })), 3);
});

Deno.test(
  "UsageSampler.sample() gives the share of a core since the sample before",
  strict,
  async () => {
    await using host = await fakeProc(top({ cpuTicks: 20, children: [11] }), {
      pid: 11,
      cpuTicks: 30,
    });
    let nowMs = 5000;
    const sampler = new UsageSampler(toPid(10), { ...host, clock: { monotonicMs: () => nowMs } });
    nowMs += 1000;
    assertEquals((await sampler.sample()).cpuPercent, 50);
    await host.put({ pid: 11, cpuTicks: 430 });
    nowMs += 2000;
    assertEquals((await sampler.sample()).cpuPercent, 200);
    nowMs += 2000;
    assertEquals((await sampler.sample()).cpuPercent, 0);
  },
);

Deno.test(
  "UsageSampler.sample() goes on counting when a child comes and goes",
  strict,
  async () => {
    await using host = await fakeProc(top({ children: [11] }), { pid: 11, cpuTicks: 100 });
    let nowMs = 0;
    const sampler = new UsageSampler(toPid(10), { ...host, clock: { monotonicMs: () => nowMs } });
    nowMs += 1000;
    assertEquals((await sampler.sample()).cpuPercent, 100);
    await host.kill(11);
    await host.put(top({ reapedCpuTicks: 150 }));
    nowMs += 1000;
    assertEquals((await sampler.sample()).cpuPercent, 50);
    await host.put(top({ cpuTicks: 1, reapedCpuTicks: 150, children: [11] }));
    nowMs += 1000;
    assertEquals((await sampler.sample()).cpuPercent, 1);
  },
);

Deno.test("UsageSampler.sample() repeats the share when no time has passed", strict, async () => {
  await using host = await fakeProc(top({ cpuTicks: 50 }));
  let nowMs = 0;
  const sampler = new UsageSampler(toPid(10), { ...host, clock: { monotonicMs: () => nowMs } });
  nowMs += 1000;
  const both = await Promise.all([sampler.sample(), sampler.sample()]);
  assertEquals(both.map(({ cpuPercent }) => cpuPercent), [50, 50]);
  await host.put(top({ cpuTicks: 51 }));
  nowMs += 9;
  assertEquals((await sampler.sample()).cpuPercent, 50);
  nowMs += 1;
  assertEquals((await sampler.sample()).cpuPercent, 100);
});

Deno.test(
  "UsageSampler.sample() adds up proportional memory, resident where there is none",
  strict,
  async () => {
    await using host = await fakeProc(
      top({ pssKib: 100, rssKib: 9999, children: [11, 12, 13] }),
      { pid: 11, rssKib: 30 },
      { pid: 12, state: "Z" },
      { pid: 13, pssKib: 5, rssKib: 9999 },
    );
    const clock = { monotonicMs: () => 0 };
    const usage = await new UsageSampler(toPid(10), { ...host, clock }).sample();
    assertEquals(usage, { cpuPercent: 0, memoryBytes: 135 * 1024, processes: 3 });
  },
);

Deno.test(
  "UsageSampler.sample() passes over a process that vanished after it was listed",
  strict,
  async () => {
    await using host = await fakeProc(top({ pssKib: 100, children: [11, 12] }), {
      pid: 12,
      pssKib: 1,
    });
    const clock = { monotonicMs: () => 0 };
    const usage = await new UsageSampler(toPid(10), { ...host, clock }).sample();
    assertEquals(usage, { cpuPercent: 0, memoryBytes: 101 * 1024, processes: 2 });
  },
);

Deno.test(
  "UsageSampler.sample() gives zeros once the top is gone, a zombie, or another process",
  strict,
  async () => {
    await using host = await fakeProc();
    let nowMs = 0;
    const sampler = new UsageSampler(toPid(10), { ...host, clock: { monotonicMs: () => nowMs } });
    nowMs += 1000;
    assertEquals(await sampler.sample(), NOTHING);
    await host.put(top({ cpuTicks: 10, pssKib: 1, startTicks: 500 }));
    assertEquals(await sampler.sample(), { cpuPercent: 10, memoryBytes: 1024, processes: 1 });
    await host.put(top({ cpuTicks: 99, pssKib: 1, startTicks: 501 }));
    nowMs += 1000;
    assertEquals(await sampler.sample(), NOTHING);
    await host.put(top({ cpuTicks: 99, startTicks: 500, state: "Z" }));
    assertEquals(await sampler.sample(), NOTHING);
    await host.kill(10);
    assertEquals(await sampler.sample(), NOTHING);
  },
);

Deno.test("UsageSampler.sample() works again after a sample that failed", strict, async () => {
  await using host = await fakeProc(top({ cpuTicks: 10 }));
  let nowMs = 0;
  const sampler = new UsageSampler(toPid(10), { ...host, clock: { monotonicMs: () => nowMs } });
  await host.write("10/stat", "odd");
  await assertRejects(() => sampler.sample(), SyntaxError);
  await host.put(top({ cpuTicks: 10 }));
  nowMs += 1000;
  assertEquals((await sampler.sample()).cpuPercent, 10);
});

Deno.test(
  "UsageSampler.sample() serves calls that overlap one after the other",
  strict,
  async () => {
    await using host = await fakeProc(top({ cpuTicks: 50 }));
    const events: string[] = [];
    const clock = {
      monotonicMs() {
        events.push("clock");
        return 1000 * (events.length - 1);
      },
    };
    const sampler = new UsageSampler(toPid(10), { ...host, clock });
    const sample = () => sampler.sample().then(({ cpuPercent }) => events.push(`${cpuPercent} %`));
    await Promise.all([sample(), sample()]);
    assertEquals(events, ["clock", "clock", "50 %", "clock", "0 %"]);
  },
);
