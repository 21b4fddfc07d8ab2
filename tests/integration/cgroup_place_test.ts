/** Where this host's cgroups are and what can be done there, told by the real kernel. */
import { cstring, findFunctions } from "#ffi/mod.ts";
import {
  countOtherProcesses,
  type Delegation,
  isMarkedDelegated,
  kernelGroups,
  type Membership,
  missingControllers,
  parseControllers,
  readCgroupView,
  tryDelegation,
} from "#src/cgroup/mod.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { ask, CGROUP2, OwnGroup } from "#tests/support/own_group.ts";
import { until } from "#tests/support/until.ts";

const root = needs({
  root: true,
  files: [`${CGROUP2}/cgroup.procs`, "/usr/bin/unshare", "/usr/bin/findmnt"],
});

/** A user that no process of this host has. */
const USER = 1_970_000_000 + Deno.pid;
/** Above every process id that there can be, proc_sys_kernel(5). */
const NO_PID = 2 ** 22 + 1;
const controllersOf = async (file: string) =>
  parseControllers(await Deno.readTextFile(`${CGROUP2}/${file}`).catch(() => ""));
/** The controllers that the root of this host has, and those that a group below it is given. */
const [AVAILABLE, GIVEN] = [
  await controllersOf("cgroup.controllers"),
  await controllersOf("cgroup.subtree_control"),
];

/** Holds a place that is to be had against what this host gives such places. */
function assertUsable(found: Delegation, folder: string, standing: string): void {
  assert(found.kind !== "none", JSON.stringify(found));
  assertEquals([found.folder, found.standing], [folder, standing]);
  const missing = missingControllers(found.controllers);
  assertEquals(found.kind === "grouping" ? found.missing.map(({ name }) => name) : [], missing);
  if (folder !== CGROUP2) assertEquals(missing, missingControllers(GIVEN));
}

function assertNone(found: Delegation, obstacle: string, reason: RegExp): void {
  assert(found.kind === "none", JSON.stringify(found));
  assertEquals(found.obstacle, obstacle);
  assertMatch(found.reason, reason);
}

/** Marks a group as systemd does. */
function mark(folder: string, name: string, value = "1"): void {
  const libc = findFunctions("libc.so.6", {
    setxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  });
  const bytes = new TextEncoder().encode(value);
  const args = [cstring(folder), cstring(name), bytes, BigInt(bytes.length), 0] as const;
  assertEquals(libc.setxattr(...args), 0);
}

Deno.test("the mount and the groups of this process are those that others tell", root, async () => {
  const { mount, membership } = await readCgroupView({ proc: "/proc" });
  const { stdout } = await new Deno.Command("/usr/bin/findmnt", {
    args: ["-n", "-t", "cgroup2", "-o", "TARGET"],
  }).output();
  assert(new TextDecoder().decode(stdout).trim().split("\n").includes(mount?.folder ?? ""));
  const lines = (await Deno.readTextFile("/proc/self/cgroup")).trim().split("\n");
  assertEquals(membership.legacy.length + (membership.unified === undefined ? 0 : 1), lines.length);
});

Deno.test("root makes a group for real, and removes it", root, async () => {
  const view = await readCgroupView({ proc: "/proc" });
  const seen: string[] = [];
  const found = await tryDelegation(view, {
    proc: "/proc",
    isRoot: true,
    groups: {
      ...kernelGroups,
      async make(folder) {
        await kernelGroups.make(folder);
        seen.push(folder, (await Deno.readTextFile(`${folder}/cgroup.type`)).trim());
      },
    },
  });
  assert(found.kind !== "none", JSON.stringify(found));
  const [scratch = "", type] = seen;
  assert(scratch.startsWith(`${found.folder}/blockyard-try-`), scratch);
  assertEquals([type, exists(scratch)], ["domain", false]);
  assertEquals(found.hasKill, true);
});

Deno.test("root can use a group that is no unit's", root, async () => {
  await using group = new OwnGroup();
  const found = await ask<Delegation>({ about: "delegation", groups: [group.path] });
  // The root is better where it alone has every controller.
  const isRootBetter = missingControllers(AVAILABLE).length === 0 &&
    missingControllers(GIVEN).length > 0;
  assertUsable(found, isRootBetter ? CGROUP2 : group.path, "free");
  assertEquals(group.list(), []);
});

Deno.test("an ordinary user is refused where nothing was handed over", root, async () => {
  await using group = new OwnGroup();
  const question = { about: "delegation", uid: USER } as const;
  const found = await ask<Delegation>({ ...question, groups: [group.path] });
  assertNone(found, "refused", new RegExp(`^cannot make ${group.path}/blockyard-try-.*: EACCES$`));
  const folder = group.make("halfway");
  await Deno.chown(folder, USER, USER);
  const halfway = await ask<Delegation>({ ...question, groups: [folder] });
  assertNone(halfway, "refused", /halfway\/cgroup\.procs is not writable$/);
  assertEquals(group.list(), ["halfway"]);
});

Deno.test("an ordinary user can use a group that was handed over", root, async () => {
  await using group = new OwnGroup();
  const folder = group.make("mine", USER);
  const found = await ask<Delegation>({ about: "delegation", uid: USER, groups: [folder] });
  // The group above hands nothing down to it, whatever the host has.
  assert(found.kind === "grouping", JSON.stringify(found));
  assertEquals([found.folder, found.standing, found.controllers], [folder, "free", []]);
  assertEquals(found.missing.map(({ name }) => name), ["cpu", "memory", "pids"]);
  assertEquals(group.list(), ["mine"]);
});

Deno.test(
  "a group that may hold no further ones is told with what the kernel says",
  root,
  async () => {
    await using group = new OwnGroup();
    const folder = group.make("full", USER);
    await Deno.writeTextFile(`${folder}/cgroup.max.descendants`, "0");
    const found = await ask<Delegation>({ about: "delegation", uid: USER, groups: [folder] });
    assertNone(found, "failed", /^cannot make .*\/full\/blockyard-try-.*: EAGAIN$/);
  },
);

Deno.test("a group that is not empty stays, and is named", root, async () => {
  await using group = new OwnGroup();
  const { mounts, mount } = await readCgroupView({ proc: "/proc" });
  const unified = group.path.slice(CGROUP2.length);
  const found = await tryDelegation(
    { mounts, mount, membership: { unified, isDeleted: false, legacy: [] } },
    {
      proc: "/proc",
      isRoot: true,
      groups: {
        ...kernelGroups,
        async make(folder) {
          await kernelGroups.make(folder);
          await kernelGroups.make(`${folder}/inner`);
        },
      },
      newName: () => "scratch",
    },
  );
  assertNone(found, "stuck", new RegExp(`cannot remove ${group.path}/scratch: EBUSY$`));
  assertEquals(group.list(), ["scratch", "scratch/inner"]);
});

Deno.test("what systemd marked is used from anywhere below it", root, async () => {
  await using group = new OwnGroup(".service");
  const server = group.make("server");
  assertEquals(isMarkedDelegated(group.path), false);
  const question = { about: "delegation", groups: [server] } as const;
  assertUsable(await ask<Delegation>(question), CGROUP2, "systemd");
  for (const name of ["user.delegate", "trusted.delegate"]) {
    mark(group.path, name);
    assertEquals(isMarkedDelegated(group.path), true);
    assertUsable(await ask<Delegation>(question), group.path, "delegated");
    mark(group.path, name, "0");
    assertEquals(isMarkedDelegated(group.path), false);
  }
});

Deno.test("a unit that was handed over to a user is delegated, marked or not", root, async () => {
  await using group = new OwnGroup();
  const folder = group.make("blockyard.service", USER);
  const question = { about: "delegation", uid: USER, groups: [folder] } as const;
  const standing = async () => {
    const found = await ask<Delegation>(question);
    return found.kind === "none" ? found.obstacle : found.standing;
  };
  assertEquals(await standing(), "delegated");
  await Deno.chown(`${group.path}/cgroup.procs`, USER, USER);
  assertEquals(await standing(), "systemd");
  mark(folder, "user.delegate");
  assertEquals(await standing(), "delegated");
});

const inMounts = (line: string) => ["unshare", "-m", "sh", "-c", `${line} && exec "$@"`, "sh"];

Deno.test("a mount that is read-only for this process is told", root, async () => {
  const within = inMounts(`mount -o remount,ro,bind ${CGROUP2}`);
  const { mount } = await ask<{ mount: { isReadOnly: boolean } }>({ about: "membership", within });
  assertEquals(mount.isReadOnly, true);
  const found = await ask<Delegation>({ about: "delegation", within });
  assertNone(found, "read_only", /: EROFS$/);
});

Deno.test("a mount that another one hides cannot be used", root, async () => {
  for (const folder of [CGROUP2, "/sys/fs"]) {
    const within = inMounts(`mount -t tmpfs none ${folder}`);
    assertNone(await ask<Delegation>({ about: "delegation", within }), "no_mount", /^no mount of/);
  }
});

Deno.test("the mount of a part of the tree shows what is in it", root, async () => {
  await using group = new OwnGroup();
  const inner = group.make("a b");
  const within = inMounts(`read _ && mount --bind '${group.path}' /mnt && umount ${CGROUP2}`);
  const question = { within, groups: [inner] };
  const { mount } = await ask<{ mount: unknown }>({ about: "membership", ...question });
  assertEquals(mount, {
    folder: "/mnt",
    root: group.path.slice(CGROUP2.length),
    isReadOnly: false,
  });
  const found = await ask<Delegation>({ about: "delegation", uid: USER, ...question });
  assertNone(found, "refused", /^cannot make \/mnt\/a b\/blockyard-try-.*: EACCES$/);
});

Deno.test(
  "a group beside the cgroup namespace's root is found, one above it not",
  root,
  async () => {
    await using group = new OwnGroup();
    await using beside = new OwnGroup();
    const folder = beside.make("mine", USER);
    const inNamespace = (
      more: string,
    ) => ["sh", "-c", `read _ && exec unshare -C ${more} "$@"`, "sh"];
    // Its own group is `/` then, and the mount does not say what that is called below the mount.
    const unnamed = await ask<Delegation>({
      about: "delegation",
      uid: USER,
      within: inNamespace(""),
      groups: [group.path],
    });
    assertNone(unnamed, "outside", /^this process's group \/ is not below the mount at /);
    const question = {
      uid: USER,
      within: inNamespace("sh -c 'read _ && exec \"$@\"' sh"),
      groups: [group.path, folder],
    } as const;
    const { unified } = await ask<Membership>({ about: "membership", ...question });
    assertEquals(unified, `/..${folder.slice(CGROUP2.length)}`);
    const found = await ask<Delegation>({ about: "delegation", ...question });
    assertEquals(found.kind === "grouping" && found.folder, folder);
  },
);

Deno.test("a process's own are those that it started, directly or not", root, async () => {
  await using group = new OwnGroup();
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", "read _; sleep 60 & sh -c 'sleep 60; :' & wait"],
    stdin: "piped",
  }).spawn();
  try {
    await Deno.writeTextFile(`${group.path}/cgroup.procs`, String(child.pid));
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("\n"));
    await input.close();
    const count = (pid: number) =>
      countOtherProcesses(group.path, { groups: kernelGroups, proc: "/proc", pid });
    await until(async () => await count(NO_PID) === 4, { what: "all four run" });
    assertEquals([await count(child.pid), await count(Deno.pid)], [0, 0]);
  } finally {
    await Deno.writeTextFile(`${group.path}/cgroup.kill`, "1");
    await child.status;
  }
});

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
