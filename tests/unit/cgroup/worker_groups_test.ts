import { CgroupError, KernelWorkerGroups } from "#src/cgroup/mod.ts";
import { NotSupportedError } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MIB = 1024 ** 2;
const NONE = { memoryBytes: 0, cpuCores: 0, pids: 0 };
const WORKERS = "/cg/by/workers";

/** Makes a place with some controllers, in which there are groups that were made long ago. */
function make(
  controllers: readonly string[],
  { old = {}, refused = {} }: {
    old?: Record<string, Record<string, string>>;
    refused?: Record<string, string>;
  } = {},
) {
  const files = { "cgroup.subtree_control": `${controllers.join(" ")}\n` };
  const groups = new FakeGroups({ [WORKERS]: files, ...old }, refused);
  const clock = new FakeClock();
  for (const folder of Object.keys(old)) {
    groups.states.set(folder, { changedAtMs: clock.now() - 60_000 });
  }
  const log = new RecordingLogger();
  const made = new KernelWorkerGroups({
    groups,
    clock,
    log,
    location: { folder: WORKERS, path: "by/workers", level: 2 },
    triedIn: ["/cg", "/cg/by"],
    controllers,
    lacking: [],
    hasKill: true,
  });
  const sweep = async () => {
    const swept = made.sweep();
    await clock.advance(1000);
    return await swept;
  };
  return { made, groups, clock, log, sweep };
}

Deno.test("with every controller groups have limits, with some they group", UNIT, () => {
  assertEquals(make(["cpu", "memory", "pids", "io"]).made.kind, "limits");
  assertEquals(make(["cpu", "memory"]).made.kind, "grouping");
  assertEquals(make([]).made.kind, "grouping");
});

Deno.test("a group is made with its limits, in the folder", UNIT, async () => {
  const { made, groups } = make(["memory"]);
  const limits = { ...NONE, memoryBytes: 64 * MIB };
  const group = await made.create("app-1", limits);
  assertEquals(
    [group.folder, group.path, group.level, group.limits],
    [`${WORKERS}/app-1`, "by/workers/app-1", 3, limits],
  );
  assertEquals(groups.groups.get(group.folder)?.["memory.max"], `${64 * MIB}\n`);
});

for (const id of ["", "..", "a/b", "../x", "A", ".hidden", "-a", "a\0", "a b", "cgroup.procs"]) {
  Deno.test(`${JSON.stringify(id)} is no name for a group`, UNIT, async () => {
    const { made, groups } = make([]);
    await assertRejects(() => made.create(id, NONE), RangeError, "as a worker id");
    assertEquals(groups.calls, []);
  });
}

Deno.test("a group that cannot be limited is removed again", UNIT, async () => {
  const { made, groups } = make(["memory"], {
    refused: { [`${WORKERS}/b/memory.max`]: "EINVAL" },
  });
  const limits = { ...NONE, memoryBytes: 64 * MIB };
  await assertRejects(() => made.create("a", { ...limits, cpuCores: 1 }), NotSupportedError);
  await assertRejects(() => made.create("b", limits), CgroupError, "b/memory.max: EINVAL");
  await assertRejects(() => made.create("c", { ...NONE, pids: -1 }), RangeError);
  assertEquals(await groups.list(WORKERS), []);
});

Deno.test("a group that cannot be removed again does not hide why", UNIT, async () => {
  const { made, log } = make([], { refused: { "remove a": "EACCES" } });
  await assertRejects(() => made.create("a", { ...NONE, cpuCores: 1 }), NotSupportedError);
  assertEquals(log.records.map(({ message, fields }) => [message, fields.error]), [
    ["cannot remove a group", `cannot remove ${WORKERS}/a: EACCES`],
  ]);
});

Deno.test("a name that is taken is refused, and its group stays", UNIT, async () => {
  const { made, groups } = make([]);
  await made.create("a", NONE);
  const error = await assertRejects(() => made.create("a", NONE), CgroupError, "EEXIST");
  assertEquals([error.code, await groups.list(WORKERS)], ["EEXIST", ["a"]]);
});

Deno.test("groups that were left behind are removed, with those below them", UNIT, async () => {
  const { groups, sweep } = make([], {
    old: { [`${WORKERS}/a`]: {}, [`${WORKERS}/a/inner`]: {}, [`${WORKERS}/b`]: {} },
  });
  assertEquals([await sweep(), await groups.list(WORKERS)], [2, []]);
});

Deno.test("groups that are populated, new or in use by this server stay", UNIT, async () => {
  const { made, groups, clock, sweep } = make([], {
    old: {
      [`${WORKERS}/a`]: { "cgroup.events": "populated 1\nfrozen 0\n" },
      [`${WORKERS}/b`]: {},
      [`${WORKERS}/c`]: {},
    },
  });
  groups.states.set(`${WORKERS}/b`, { changedAtMs: clock.now() - 58_000 });
  const group = await made.create("d", NONE);
  groups.states.set(group.folder, { changedAtMs: 0 });
  assertEquals([await sweep(), await groups.list(WORKERS)], [1, ["a", "b", "d"]]);
  await clock.advance(60_000);
  assertEquals([await sweep(), await groups.list(WORKERS)], [1, ["a", "d"]]);
});

Deno.test("a group whose worker ends just then is left to its server", UNIT, async () => {
  const { made, groups, clock } = make([], {
    old: { [`${WORKERS}/a`]: {}, [`${WORKERS}/b`]: {} },
  });
  const swept = made.sweep();
  await clock.advance(500);
  groups.groups.set(`${WORKERS}/a`, { "cgroup.events": "populated 1\nfrozen 0\n" });
  await clock.advance(500);
  assertEquals([await swept, await groups.list(WORKERS)], [1, ["a"]]);
});

Deno.test("without any there is nothing to wait for", UNIT, async () => {
  const { made, clock } = make([]);
  assertEquals([await made.sweep(), clock.sleepers], [0, 0]);
});

Deno.test("groups of earlier attempts are removed, and no others beside them", UNIT, async () => {
  const { groups, sweep } = make([], {
    old: {
      "/cg/blockyard-try-1": {},
      "/cg/by/blockyard-try-2": {},
      [`${WORKERS}/blockyard-try-3`]: {},
      "/cg/blockyard-tried": {},
      "/cg/other": {},
      "/cg/by/server": {},
    },
  });
  assertEquals(await sweep(), 3);
  assertEquals(await groups.list("/cg"), ["blockyard-tried", "by", "other"]);
  assertEquals(await groups.list("/cg/by"), ["server", "workers"]);
});

Deno.test("a group that cannot be removed or judged is logged, and others go", UNIT, async () => {
  const { groups, log, sweep } = make([], {
    old: {
      [`${WORKERS}/a`]: {},
      [`${WORKERS}/b`]: { "cgroup.events": "x\n" },
      [`${WORKERS}/c`]: {},
    },
    refused: { "remove a": "EPERM" },
  });
  assertEquals([await sweep(), await groups.list(WORKERS)], [1, ["a", "b"]]);
  const messages = new Set(log.records.map(({ level, message }) => `${level}: ${message}`));
  assertEquals([...messages], [
    "warn: cannot tell whether a group is in use",
    "warn: cannot remove a group",
  ]);
});
