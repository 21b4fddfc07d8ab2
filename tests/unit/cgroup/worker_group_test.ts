import { CgroupError, KernelWorkerGroup } from "#src/cgroup/mod.ts";
import { NotSupportedError } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MIB = 1024 ** 2;
const NONE = { memoryBytes: 0, cpuCores: 0, pids: 0 };
const ALL = ["cpu", "memory", "pids"];
const FOLDER = "/cg/workers/a";

/** Makes a group whose place has some controllers. */
async function make(
  controllers: readonly string[],
  { hasKill = true, refused = {} }: { hasKill?: boolean; refused?: Record<string, string> } = {},
) {
  const files = { "cgroup.subtree_control": `${controllers.join(" ")}\n` };
  const groups = new FakeGroups({ "/cg/workers": files }, refused);
  await groups.make(FOLDER);
  const removed: string[] = [];
  const lacking = [{ name: "memory", reason: "cgroup v1 has it" }] as const;
  const group = new KernelWorkerGroup(
    { folder: FOLDER, path: "workers/a", level: 2 },
    {
      groups,
      clock: new FakeClock(),
      place: { controllers, lacking, hasKill },
      onRemoved: () => removed.push(FOLDER),
    },
  );
  return { group, groups, removed, writes: () => groups.writes.splice(0) };
}

Deno.test("limits are written, read back and kept", UNIT, async () => {
  const { group, writes } = await make(ALL);
  assertEquals(group.limits, NONE);
  const limits = { memoryBytes: 64 * MIB, cpuCores: 0.5, pids: 20 };
  assertEquals(await group.setLimits(limits), limits);
  assertEquals(group.limits, limits);
  assertEquals(writes(), [
    `${FOLDER}/memory.oom.group 1`,
    `${FOLDER}/memory.swap.max 0`,
    `${FOLDER}/memory.high ${63 * MIB}`,
    `${FOLDER}/memory.max ${64 * MIB}`,
    `${FOLDER}/cpu.max 50000 100000`,
    `${FOLDER}/cpu.weight 50`,
    `${FOLDER}/pids.max 20`,
  ]);
});

Deno.test("what the kernel rounds is told as it took it", UNIT, async () => {
  const { group } = await make(ALL);
  const taken = { memoryBytes: 64 * MIB, cpuCores: 0.33333, pids: 0 };
  const wanted = { memoryBytes: 64 * MIB + 5, cpuCores: 1 / 3, pids: 0 };
  assertEquals(await group.setLimits(wanted), taken);
  assertEquals(group.limits, taken);
});

Deno.test("0 takes limits away", UNIT, async () => {
  const { group, groups } = await make(ALL);
  await group.setLimits({ memoryBytes: 64 * MIB, cpuCores: 2, pids: 9 });
  assertEquals(await group.setLimits(NONE), NONE);
  const { "memory.max": max, "memory.high": high, "memory.swap.max": swap, "pids.max": pids } =
    groups.groups.get(FOLDER) ?? {};
  assertEquals([max, high, swap, pids], ["max\n", "max\n", "max\n", "max\n"]);
});

Deno.test("raised memory lets max go first, lowered memory high", UNIT, async () => {
  const { group, writes } = await make(ALL);
  const order = async (memoryBytes: number) => {
    await group.setLimits({ ...NONE, memoryBytes });
    return writes().map((it) => it.slice(FOLDER.length + 1).split(" ")[0])
      .filter((file) => file === "memory.max" || file === "memory.high");
  };
  assertEquals(await order(64 * MIB), ["memory.high", "memory.max"]);
  assertEquals(await order(128 * MIB), ["memory.max", "memory.high"]);
  assertEquals(await order(32 * MIB), ["memory.high", "memory.max"]);
});

Deno.test("changes at the same time are made one after the other", UNIT, async () => {
  const { group, writes } = await make(ALL);
  const sizes = [64 * MIB, 32 * MIB, 128 * MIB];
  await Promise.all(sizes.map((memoryBytes) => group.setLimits({ ...NONE, memoryBytes })));
  const max = writes().filter((it) => it.startsWith(`${FOLDER}/memory.max`));
  assertEquals(max, sizes.map((bytes) => `${FOLDER}/memory.max ${bytes}`));
  assertEquals(group.limits.memoryBytes, 128 * MIB);
});

Deno.test("a kernel that does not count swap still limits memory", UNIT, async () => {
  const refused = { [`${FOLDER}/memory.swap.max`]: "ENOENT" };
  const { group } = await make(ALL, { refused });
  const limits = { ...NONE, memoryBytes: 64 * MIB };
  assertEquals(await group.setLimits(limits), limits);
});

Deno.test("limits without a controller name it and why, and change nothing", UNIT, async () => {
  const { group, writes } = await make(["pids"]);
  const error = await assertRejects(
    () => group.setLimits({ memoryBytes: 64 * MIB, cpuCores: 1, pids: 9 }),
    NotSupportedError,
  );
  assertEquals(
    error.message,
    `cannot limit memory and cpu of ${FOLDER}: groups there do not have the controllers ` +
      "(memory: cgroup v1 has it; cpu: it is not handed down)",
  );
  assertEquals(writes(), []);
  const cpu = () => group.setLimits({ ...NONE, cpuCores: 1 });
  await assertRejects(cpu, NotSupportedError, `cannot limit cpu of ${FOLDER}: `);
});

Deno.test(
  "without controllers no limit is fine, and that of processes passed over",
  UNIT,
  async () => {
    const { group, writes } = await make([]);
    assertEquals(await group.setLimits({ ...NONE, pids: 9 }), NONE);
    assertEquals(writes(), []);
    const { group: other } = await make(["memory"]);
    const limits = { ...NONE, memoryBytes: 64 * MIB };
    assertEquals(await other.setLimits({ ...limits, pids: 9 }), limits);
  },
);

Deno.test("limits that are none are refused before anything is written", UNIT, async () => {
  const { group, writes } = await make(ALL);
  await assertRejects(() => group.setLimits({ ...NONE, pids: -1 }), RangeError, "processes to -1");
  assertEquals(writes(), []);
});

Deno.test(
  "a refused write tells path and value, and what was taken before it stays",
  UNIT,
  async () => {
    const { group } = await make(ALL, { refused: { [`${FOLDER}/cpu.max`]: "EINVAL" } });
    const error = await assertRejects(
      () => group.setLimits({ memoryBytes: 64 * MIB, cpuCores: 1, pids: 9 }),
      CgroupError,
      `cannot write "100000 100000" to ${FOLDER}/cpu.max: EINVAL`,
    );
    assertEquals([error.folder, error.file, error.value], [FOLDER, "cpu.max", "100000 100000"]);
    assertEquals(group.limits, { ...NONE, memoryBytes: 64 * MIB });
  },
);

Deno.test("a process is moved into the group", UNIT, async () => {
  const { group, groups } = await make([]);
  await group.add(77);
  assertEquals(groups.groups.get(FOLDER)?.["cgroup.procs"], "77\n");
});

Deno.test("a group is killed as a whole where the kernel can", UNIT, async () => {
  const { group, writes } = await make([]);
  assertEquals([await group.kill(), writes()], [true, [`${FOLDER}/cgroup.kill 1`]]);
  const { group: old, writes: none } = await make([], { hasKill: false });
  assertEquals([await old.kill(), none()], [false, []]);
  const { group: odd } = await make([], { refused: { [`${FOLDER}/cgroup.kill`]: "EACCES" } });
  await assertRejects(() => odd.kill(), CgroupError, `cannot write "1" to ${FOLDER}/cgroup.kill`);
});

Deno.test("a group that is gone is dead, empty and removed", UNIT, async () => {
  const { group, groups, removed } = await make(ALL);
  await group.remove();
  assertEquals([removed, [...groups.groups.keys()]], [[FOLDER], ["/cg/workers"]]);
  assertEquals([await group.kill(), await group.isPopulated()], [true, false]);
  assertEquals([await group.oomKills(), (await group.usage()).cpuUsec], [0, undefined]);
  await group.remove();
  const limit = () => group.setLimits({ ...NONE, memoryBytes: 64 * MIB });
  await assertRejects(limit, CgroupError, "memory.high: ENOENT");
});
