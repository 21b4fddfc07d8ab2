import { type CgroupView, type Delegation, tryDelegation } from "#src/cgroup/mod.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const ALL = "cpuset cpu io memory pids\n";
/** The root of the whole hierarchy has no type and no cgroup.kill. */
const ROOT = { "cgroup.type": "absent", "cgroup.controllers": ALL, "cgroup.subtree_control": ALL };
const SERVICE = "/cg/system.slice/blockyard.service";
const PID = 4321;

/** Tries it in a group of these groups, and sees that nothing is left unless the test says so. */
async function attempt(
  groups: FakeGroups,
  { path = "/system.slice/blockyard.service", isRoot = true, marked = SERVICE, legacy = [] }: {
    path?: string | undefined;
    isRoot?: boolean;
    marked?: string;
    legacy?: readonly string[];
  } = {},
): Promise<Delegation> {
  const view: CgroupView = {
    mounts: [],
    mount: { folder: "/cg", root: "/", isReadOnly: false },
    membership: {
      unified: path,
      isDeleted: false,
      legacy: legacy.map((it) => ({ controllers: [it], path: "/" })),
    },
  };
  const before = [...groups.groups.keys()];
  const found = await tryDelegation(view, {
    proc: "/nonexistent",
    isRoot,
    pid: PID,
    groups,
    isMarked: (folder) => folder === marked,
    newName: () => "scratch",
  });
  const isStuck = found.kind === "none" && found.obstacle === "stuck";
  assertEquals(isStuck, [...groups.groups.keys()].length !== before.length);
  return found;
}

const why = (found: Delegation) =>
  found.kind === "grouping" ? found.missing.map((it) => `${it.name} ${it.why}`) : found.kind;

Deno.test("a delegated unit with every controller can have limits", UNIT, async () => {
  const groups = new FakeGroups({
    "/cg": ROOT,
    [SERVICE]: { "cgroup.controllers": ALL, "cgroup.procs": `${PID}\n` },
  });
  assertEquals(await attempt(groups), {
    kind: "limits",
    folder: SERVICE,
    standing: "delegated",
    controllers: ["cpuset", "cpu", "io", "memory", "pids"],
    hasKill: true,
  });
  assertEquals(groups.calls, [`make ${SERVICE}/scratch`, `remove ${SERVICE}/scratch`]);
});

Deno.test("controllers that the unit was not given are withheld by the parent", UNIT, async () => {
  const given = { "cgroup.controllers": "memory pids\n" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: given }));
  assertEquals(why(found), ["cpu parent"]);
});

Deno.test("controllers that cgroup v1 has are withheld by it", UNIT, async () => {
  const root = { ...ROOT, "cgroup.controllers": "hugetlb\n", "cgroup.subtree_control": "" };
  const groups = new FakeGroups({ "/cg": root });
  const found = await attempt(groups, { path: "/", legacy: ["cpu", "memory", "freezer"] });
  assertEquals(why(found), ["cpu legacy", "memory legacy", "pids absent"]);
  assert(found.kind === "grouping");
  assertEquals([found.folder, found.standing, found.controllers], ["/cg", "free", ["hugetlb"]]);
});

Deno.test("what the top of a part of the tree lacks may be there above", UNIT, async () => {
  const top = { "cgroup.controllers": "cpu pids\n", "cgroup.procs": "" };
  const found = await attempt(new FakeGroups({ "/cg": top }), { path: "/" });
  assertEquals(why(found), ["memory parent"]);
});

Deno.test("a group with the processes of others hands nothing down", UNIT, async () => {
  const files = { "cgroup.controllers": ALL, "cgroup.procs": `1\n${PID}\n` };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: files }));
  assertEquals(why(found), ["cpu occupied", "memory occupied", "pids occupied"]);
});

Deno.test("the root of the tree hands controllers down whoever is in it", UNIT, async () => {
  const files = { ...ROOT, "cgroup.subtree_control": "", "cgroup.procs": "1\n2\n0\n" };
  const found = await attempt(new FakeGroups({ "/cg": files }), { path: "/" });
  assertEquals([found.kind, found.kind === "limits" && found.standing], ["limits", "free"]);
});

Deno.test("what is handed down already counts where nothing else can be", UNIT, async () => {
  const files = {
    "cgroup.controllers": ALL,
    "cgroup.subtree_control": "memory\n",
    "cgroup.procs": "",
  };
  const locked = { [`${SERVICE}/cgroup.subtree_control`]: "EACCES" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: files }, locked));
  assertEquals(why(found), ["cpu locked", "pids locked"]);
});

for (
  const { code, obstacle } of [
    { code: "EACCES", obstacle: "refused" },
    { code: "EPERM", obstacle: "refused" },
    { code: "EROFS", obstacle: "read_only" },
    { code: "EAGAIN", obstacle: "failed" },
  ] as const
) {
  Deno.test(`${code} of the attempt is told as ${obstacle}`, UNIT, async () => {
    const groups = new FakeGroups({ "/cg": ROOT, [SERVICE]: {} }, { [SERVICE]: code });
    assertEquals(await attempt(groups, { isRoot: false }), {
      kind: "none",
      obstacle,
      reason: `cannot make ${SERVICE}/scratch: ${code}`,
    });
  });
}

Deno.test("groups whose processes may not be moved are refused", UNIT, async () => {
  const refused = { [`${SERVICE}/cgroup.procs`]: "EACCES" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: {} }, refused));
  assert(found.kind === "none" && found.obstacle === "refused");
  assertMatch(found.reason, /blockyard\.service\/cgroup\.procs is not writable/);
});

Deno.test("groups for threads only are no place for workers", UNIT, async () => {
  const files = { "cgroup.type": "domain threaded\n" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: files }));
  assert(found.kind === "none" && found.obstacle === "failed");
  assertMatch(found.reason, /cgroup\.type is domain invalid/);
});

Deno.test("what was made is removed when looking at it fails", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": ROOT, [SERVICE]: {} }, { "read cgroup.type": "EIO" });
  const found = await attempt(groups);
  assert(found.kind === "none" && found.obstacle === "failed");
  assertEquals(groups.calls.length, 2);
});

Deno.test("a folder without the kernel's files is no group", UNIT, async () => {
  const files = { "cgroup.controllers": "absent" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: files }));
  assert(found.kind === "none" && found.obstacle === "failed");
  assertMatch(found.reason, /blockyard\.service is no group of cgroup v2$/);
});

Deno.test("a group that stays is told, and no other place is tried", UNIT, async () => {
  const refused = { "remove scratch": "EBUSY" };
  const groups = new FakeGroups({ "/cg": ROOT, "/cg/mine": {} }, refused);
  const found = await attempt(groups, { path: "/mine" });
  assert(found.kind === "none" && found.obstacle === "stuck");
  assertMatch(found.reason, /is left: cannot remove \/cg\/mine\/scratch: EBUSY/);
  assertEquals(groups.calls, ["make /cg/mine/scratch"]);
});

Deno.test("root whose unit is not delegated takes a group below the root", UNIT, async () => {
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: {} }), { marked: "" });
  assertEquals(found.kind === "limits" && [found.folder, found.standing], ["/cg", "systemd"]);
});

Deno.test("root that may not use the root takes its own group", UNIT, async () => {
  const own = { "cgroup.controllers": ALL };
  const groups = new FakeGroups({ "/cg": ROOT, [SERVICE]: own }, { "/cg": "EACCES" });
  const found = await attempt(groups, { marked: "" });
  assertEquals(found.kind === "limits" && [found.folder, found.standing], [SERVICE, "systemd"]);
});

Deno.test("a place with limits comes before one without, and any before none", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": ROOT, "/cg/own": {} });
  const found = await attempt(groups, { path: "/own" });
  assertEquals(found.kind === "limits" && found.folder, "/cg");
  const top = { "cgroup.controllers": "", "cgroup.subtree_control": "" };
  const refused = new FakeGroups({ "/cg": top, "/cg/own": {} }, { "/cg/own": "EACCES" });
  const other = await attempt(refused, { path: "/own" });
  assertEquals(other.kind === "grouping" && other.folder, "/cg");
  const nowhere = new FakeGroups({ "/cg": ROOT, "/cg/own": {} }, {
    "/cg": "EROFS",
    "/cg/own": "EACCES",
  });
  const none = await attempt(nowhere, { path: "/own" });
  assertEquals(none.kind === "none" && none.obstacle, "refused");
});

Deno.test("a kernel without cgroup.kill is told", UNIT, async () => {
  const files = { "cgroup.controllers": ALL, "cgroup.kill": "none" };
  const found = await attempt(new FakeGroups({ "/cg": ROOT, [SERVICE]: files }));
  assertEquals(found.kind === "limits" && found.hasKill, false);
});

Deno.test("without a mount, and outside of it, there is nothing to try", UNIT, async () => {
  const membership = { unified: "/a", isDeleted: false, legacy: [] };
  const options = { proc: "/nonexistent", isRoot: false, isMarked: () => false };
  const missing = await tryDelegation({ mounts: [], mount: undefined, membership }, options);
  assertEquals(missing.kind === "none" && missing.obstacle, "no_mount");
  const mount = { folder: "/cg", root: "/other", isReadOnly: false };
  const reasons: string[] = [];
  for (
    const changes of [{}, { unified: undefined }, { isDeleted: true }]
  ) {
    const view = { mounts: [], mount, membership: { ...membership, ...changes } };
    const found = await tryDelegation(view, options);
    assert(found.kind === "none" && found.obstacle === "outside");
    reasons.push(found.reason);
  }
  assertEquals(reasons, [
    "this process's group /a is not below the mount at /cg",
    "this process is in no group of cgroup v2",
    "this process's group /a was removed",
  ]);
});
