import { openWorkerGroups } from "#src/cgroup/mod.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MOUNTINFO = "30 22 0:26 / /cg rw - cgroup2 cgroup2 rw\n";
const ALL = "cpuset cpu io memory pids\n";
const HANDED = "cpu memory pids io cpuset";
/** The root of the whole hierarchy has no type, and may have processes. */
const TOP = { "cgroup.type": "absent", "cgroup.controllers": ALL, "cgroup.subtree_control": ALL };
const SERVICE = "/cg/system.slice/blockyard.service";
const WORKERS = `${SERVICE}/workers`;
const PID = 50;
const NONE = { memoryBytes: 0, cpuCores: 0, pids: 0 };

/** Opens the groups as a process of one of them; 51 is its child, 60 somebody else's. */
async function openIn(
  group: string,
  groups: FakeGroups,
  { isRoot = true, marked = SERVICE, mounts = "", legacy = "" } = {},
) {
  await using proc = await tempFolder();
  await proc.write("self/mountinfo", MOUNTINFO + mounts);
  await proc.write("self/cgroup", `${legacy}0::${group.slice("/cg".length) || "/"}\n`);
  for (const [pid, parent] of [[50, 1], [51, 50], [60, 1]]) {
    await proc.write(`${pid}/status`, `Name:\tx\nPPid:\t${parent}\n`);
  }
  const log = new RecordingLogger();
  const opened = await openWorkerGroups({
    roots: { proc: proc.path },
    isRoot,
    log,
    groups,
    pid: PID,
    isMarked: (folder) => folder === marked,
  });
  const left = [...groups.groups.keys()].filter((it) => it.includes("blockyard-try-"));
  assertEquals(left, []);
  return { opened, log };
}

const service = (files: Record<string, string> = {}) =>
  new FakeGroups({ "/cg": TOP, [SERVICE]: { "cgroup.controllers": ALL, ...files } });
const procs = (groups: FakeGroups, folder: string) =>
  (groups.groups.get(folder)?.["cgroup.procs"] ?? "").split("\n").filter((it) => it !== "");
const handed = (groups: FakeGroups, folder: string) =>
  groups.groups.get(folder)?.["cgroup.subtree_control"]?.trim();

Deno.test("a delegated unit hands controllers down once the server has left it", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n51\n" });
  const { opened } = await openIn(SERVICE, groups);
  assert(opened.kind === "limits", JSON.stringify(opened));
  assertEquals([opened.folder, opened.lacking, opened.hasKill], [WORKERS, [], true]);
  assertEquals(opened.controllers.join(" "), HANDED);
  assertEquals([procs(groups, SERVICE), procs(groups, `${SERVICE}/server`)], [[], ["50", "51"]]);
  assertEquals([handed(groups, SERVICE), handed(groups, WORKERS)], [HANDED, HANDED]);
  const group = await opened.create("a", { ...NONE, pids: 7 });
  assertEquals([group.path, group.level, group.limits.pids], [
    "system.slice/blockyard.service/workers/a",
    4,
    7,
  ]);
});

Deno.test("a server that is started again finds and keeps what is there", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n" });
  await openIn(SERVICE, groups);
  await groups.make(`${WORKERS}/other`);
  const [before, writes] = [[...groups.groups.keys()], [...groups.writes]];
  for (const marked of [SERVICE, ""]) {
    for (const isRoot of [true, false]) {
      const { opened } = await openIn(`${SERVICE}/server`, groups, { marked, isRoot });
      // In a unit that is not delegated root takes the top of the tree.
      const isTop = isRoot && marked === "";
      assert(opened.kind === "limits", JSON.stringify(opened));
      assertEquals(opened.folder, isTop ? "/cg/blockyard/workers" : WORKERS);
    }
  }
  const after = [...groups.groups.keys()].filter((it) => !it.startsWith("/cg/blockyard"));
  assertEquals(after, before);
  assertEquals(groups.writes.filter((it) => it.startsWith(SERVICE)), writes);
});

Deno.test(
  "a group that is called server is no server's without workers beside it",
  UNIT,
  async () => {
    const own = `${SERVICE}/server`;
    const groups = service();
    groups.groups.set(own, { ...groups.groups.get(SERVICE), "cgroup.procs": "50\n" });
    const { opened } = await openIn(own, groups, { isRoot: false, marked: "" });
    assertEquals(opened.kind !== "none" && opened.folder, `${own}/workers`);
  },
);

Deno.test("where the place above is not to be had, a server goes on below it", UNIT, async () => {
  const own = `${SERVICE}/server`;
  const groups = new FakeGroups(
    { "/cg": TOP, [SERVICE]: {}, [WORKERS]: {}, [own]: { "cgroup.procs": "50\n" } },
    { [SERVICE]: "EACCES" },
  );
  const { opened } = await openIn(own, groups, { isRoot: false, marked: "" });
  assertEquals(opened.kind !== "none" && opened.folder, `${own}/workers`);
});

Deno.test(
  "root on a host that delegates nothing has a group of its own at the top",
  UNIT,
  async () => {
    const groups = new FakeGroups({ "/cg": { ...TOP, "cgroup.procs": "1\n50\n" } });
    const { opened } = await openIn("/cg", groups);
    assert(opened.kind === "limits", JSON.stringify(opened));
    assertEquals(opened.folder, "/cg/blockyard/workers");
    assertEquals(handed(groups, "/cg/blockyard"), HANDED);
    // The root hands controllers down whoever is in it.
    assertEquals([procs(groups, "/cg"), groups.groups.has("/cg/blockyard/server")], [
      ["1", "50"],
      false,
    ]);
    const again = await openIn("/cg", groups);
    assertEquals(again.opened.kind !== "none" && again.opened.folder, opened.folder);
  },
);

Deno.test("in a container's namespace the server leaves the top", UNIT, async () => {
  const top = { "cgroup.controllers": ALL, "cgroup.procs": "50\n" };
  const groups = new FakeGroups({ "/cg": top });
  const { opened } = await openIn("/cg", groups);
  assertEquals(opened.kind === "limits" && opened.folder, "/cg/blockyard/workers");
  assertEquals([procs(groups, "/cg"), procs(groups, "/cg/blockyard/server")], [[], ["50"]]);
  const again = await openIn("/cg/blockyard/server", groups);
  assertEquals(again.opened.kind === "limits" && again.opened.folder, "/cg/blockyard/workers");
  assertEquals((await groups.list("/cg/blockyard")).join(" "), "server workers");
});

Deno.test("a hybrid host groups, and says what has its controllers", UNIT, async () => {
  const top = { "cgroup.type": "absent", "cgroup.controllers": "hugetlb\n" };
  const groups = new FakeGroups({ "/cg": { ...top, "cgroup.procs": "50\n" } });
  const { opened, log } = await openIn("/cg", groups, { legacy: "4:memory:/\n3:cpu:/\n" });
  assert(opened.kind === "grouping", JSON.stringify(opened));
  assertEquals(opened.lacking, [
    { name: "cpu", reason: "cgroup v1 has it" },
    { name: "memory", reason: "cgroup v1 has it" },
    { name: "pids", reason: "the kernel does not offer it" },
  ]);
  assertEquals([opened.controllers, groups.writes], [[], []]);
  assertEquals(log.records.map(({ level, message }) => `${level}: ${message}`), [
    "info: workers get groups",
  ]);
});

Deno.test("controllers that are had are put to use where others are not", UNIT, async () => {
  const groups = service({ "cgroup.controllers": "memory pids\n", "cgroup.procs": "50\n" });
  const { opened } = await openIn(SERVICE, groups);
  assert(opened.kind === "grouping", JSON.stringify(opened));
  assertEquals(opened.controllers, ["memory", "pids"]);
  assertEquals(opened.lacking, [
    { name: "cpu", reason: `the group above ${SERVICE} does not hand it down` },
  ]);
});

Deno.test("among the processes of others there is grouping, and none is moved", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n60\n" });
  const { opened } = await openIn(SERVICE, groups);
  assert(opened.kind === "grouping", JSON.stringify(opened));
  assertEquals(opened.lacking[0], { name: "cpu", reason: `other processes are in ${SERVICE}` });
  assertEquals([procs(groups, SERVICE), groups.writes], [["50", "60"], []]);
});

Deno.test(
  "a controller that the kernel refuses is lacking, and the others are not",
  UNIT,
  async () => {
    const groups = service({ "cgroup.procs": "50\n" });
    const write = groups.write.bind(groups);
    groups.write = async (folder, file, value) => {
      if (value === "+cpu") groups.refused[`${folder}/${file}`] = "EINVAL";
      await write(folder, file, value).finally(() => delete groups.refused[`${folder}/${file}`]);
    };
    const { opened } = await openIn(SERVICE, groups);
    assert(opened.kind === "grouping", JSON.stringify(opened));
    assertEquals(opened.controllers, ["memory", "pids", "io", "cpuset"]);
    const reason = `cannot write "+cpu" to ${SERVICE}/cgroup.subtree_control: EINVAL`;
    assertEquals(opened.lacking, [{ name: "cpu", reason }]);
  },
);

Deno.test("a server that cannot leave its group has none with limits", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n" });
  Object.assign(groups.refused, { [`${SERVICE}/server/cgroup.procs`]: "EACCES" });
  const { opened, log } = await openIn(SERVICE, groups);
  assert(opened.kind === "grouping", JSON.stringify(opened));
  assertEquals(opened.lacking.map(({ reason }) => reason), [
    ...Array.from({ length: 3 }, () => `processes are left in ${SERVICE}`),
  ]);
  // The kernel would take +cpu and +pids, and the groups of workers would be for threads then.
  assertEquals(groups.writes, []);
  assertEquals(
    log.records[0]?.fields.error,
    `cannot write "50" to ${SERVICE}/server/cgroup.procs: EACCES`,
  );
});

Deno.test("what was handed down is taken back when a process comes in between", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n" });
  const write = groups.write.bind(groups);
  groups.write = async (folder, file, value) => {
    await write(folder, file, value);
    const files = groups.groups.get(SERVICE);
    if (value === "+cpu" && folder === SERVICE && files) files["cgroup.procs"] = "60\n";
  };
  const { opened } = await openIn(SERVICE, groups);
  assert(opened.kind === "grouping", JSON.stringify(opened));
  assertEquals([opened.lacking[0]?.reason, handed(groups, SERVICE)], [
    `processes are left in ${SERVICE}`,
    "",
  ]);
});

Deno.test("groups for threads are no place for workers", UNIT, async () => {
  const groups = service();
  groups.groups.set(WORKERS, { ...groups.groups.get(SERVICE), "cgroup.type": "domain threaded\n" });
  const { opened } = await openIn(SERVICE, groups);
  assert(opened.kind === "none");
  assertMatch(opened.reason, /workers hold only threads: their cgroup\.type is domain invalid$/);
});

Deno.test("two servers that make the same groups at once do not fail", UNIT, async () => {
  const groups = service({ "cgroup.procs": "50\n" });
  const make = groups.make.bind(groups);
  // Whatever it makes, the other has made it a moment before.
  groups.make = async (folder) => {
    if (!folder.includes("try-") && !groups.groups.has(folder)) await make(folder);
    await make(folder);
  };
  const { opened } = await openIn(SERVICE, groups);
  assertEquals(opened.kind, "limits", JSON.stringify(opened));
});

Deno.test("groups for workers that belong to another user are not used by root", UNIT, async () => {
  const groups = service();
  groups.groups.set(WORKERS, { ...groups.groups.get(SERVICE) });
  groups.states.set(WORKERS, { ownerUid: 1000 });
  const { opened } = await openIn(SERVICE, groups);
  assertEquals(opened, { kind: "none", reason: `${WORKERS} belongs to the uid 1000, not to root` });
  const user = await openIn(SERVICE, groups, { isRoot: false });
  assertEquals(user.opened.kind, "limits");
});

Deno.test("a file system that is mounted among the groups is not written to", UNIT, async () => {
  const groups = service();
  const mounts = `31 30 0:40 / ${SERVICE}/workers rw - tmpfs tmpfs rw\n`;
  const { opened } = await openIn(SERVICE, groups, { mounts });
  assertEquals(opened, { kind: "none", reason: `something else is mounted at ${WORKERS}` });
  assertEquals(groups.writes, []);
});

Deno.test("without a group there is a reason, whatever went wrong", UNIT, async () => {
  const refuse = async (
    refused: Record<string, string>,
    files: Record<string, string> = {},
    group = SERVICE,
  ) => {
    const groups = service(files);
    if ("top" in refused) groups.groups.delete("/cg");
    Object.assign(groups.refused, refused);
    const { opened } = await openIn(group, groups, { isRoot: false });
    return opened.kind === "none" ? opened.reason : opened.kind;
  };
  assertMatch(await refuse({ [SERVICE]: "EACCES" }), /^cannot make .*try-.*: EACCES$/);
  assertEquals(
    await refuse({}, {}, "/cg/../x"),
    "this process's group /../x is not below the mount at /cg",
  );
  assertMatch(await refuse({}, { "cgroup.procs": "?\n" }), /cannot parse "\?" of cgroup\.procs/);
  assertMatch(
    await refuse({ [WORKERS]: "EACCES" }),
    /^cannot make .*workers\/blockyard-try-.*: EACCES$/,
  );
});

Deno.test("kernel text that is not understood is a reason, too", UNIT, async () => {
  const opened = await openWorkerGroups({ roots: { proc: "/nonexistent" }, isRoot: true });
  assert(opened.kind === "none");
  assertMatch(opened.reason, /^cannot read \/nonexistent\/self\/mountinfo: /);
});
