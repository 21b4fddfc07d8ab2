/** The groups of workers, made by servers of their own on the real kernel. */
import { CgroupError, kernelGroups } from "#src/cgroup/mod.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
} from "#tests/support/assert.ts";
import {
  GroupServer,
  type GroupServerOptions,
  markDelegated,
} from "#tests/support/group_server.ts";
import { needs } from "#tests/support/needs.ts";
import { CGROUP2, OwnGroup } from "#tests/support/own_group.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true, files: [`${CGROUP2}/cgroup.procs`, "/usr/bin/unshare"] });

/** A user that no process of this host has. */
const USER = 1_980_000_000 + Deno.pid;
const NONE = { memoryBytes: 0, cpuCores: 0, pids: 0 };

/**
 * Makes a place that is handed over to a user, and that systemd delegated. The group above hands no
 * controllers down to it, whatever the host has.
 */
function makePlace(own: OwnGroup, uid = 0): string {
  const place = own.make("place", uid);
  markDelegated(place);
  return place;
}

/** Starts a server that has opened its groups there. */
async function serve(options: GroupServerOptions, folder: string): Promise<GroupServer> {
  const server = await GroupServer.start(options);
  try {
    const opened = await server.call("open");
    assert(opened.kind === "grouping", JSON.stringify(opened));
    assertEquals([opened.folder, opened.hasKill], [`${folder}/workers`, true]);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function rights(path: string): number[] {
  const { uid, gid, mode } = Deno.statSync(path);
  return [uid ?? -1, gid ?? -1, (mode ?? 0) & 0o7777];
}

const readProcs = (folder: string) =>
  Deno.readTextFileSync(`${folder}/cgroup.procs`).split("\n").filter((it) => it !== "");

for (const { who, uid } of [{ who: "root", uid: 0 }, { who: "an ordinary user", uid: USER }]) {
  Deno.test(`${who} groups a worker's processes, kills and removes them`, root, async () => {
    await using own = new OwnGroup();
    const place = makePlace(own, uid);
    await using server = await serve({ uid, group: place }, place);
    const group = await server.call("create", "app-1", NONE);
    assertEquals([group.folder, group.limits], [`${place}/workers/app-1`, NONE]);
    assertEquals([`${CGROUP2}/${group.path}`, group.level], [group.folder, 4]);
    assertEquals([rights(group.folder), rights(`${group.folder}/cgroup.procs`)], [
      [uid, uid, 0o755],
      [uid, uid, 0o644],
    ]);
    assertEquals(await server.call("isPopulated", "app-1"), false);

    const pid = await server.call("start", "app-1", "(sleep 300 & wait) & sleep 300 & wait");
    await until(() => readProcs(group.folder).length === 4, { what: "all four run" });
    assert(readProcs(group.folder).includes(String(pid)));
    assertEquals(await server.call("isPopulated", "app-1"), true);
    await assertRejects(() => server.call("create", "app-1", NONE), Error, "EEXIST");

    assertEquals(await server.call("kill", "app-1"), true);
    assertEquals(await server.call("ended", "app-1"), "SIGKILL");
    // The other three have ended, too, or are about to.
    await server.call("remove", "app-1");
    assertEquals(own.list(), ["place", "place/workers"]);

    await server.call("remove", "app-1");
    assertEquals([await server.call("isPopulated", "app-1"), await server.call("kill", "app-1")], [
      false,
      true,
    ]);
  });
}

Deno.test("a group that still has processes is not removed, and told", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  await using server = await serve({ group: place }, place);
  const { folder } = await server.call("create", "a", NONE);
  await server.call("start", "a", "sleep 300");
  await assertRejects(() => server.call("remove", "a"), Error, `cannot remove ${folder}: EBUSY`);
  assertEquals(await server.call("isPopulated", "a"), true);
  await server.call("kill", "a");
  await server.call("ended", "a");
  await server.call("remove", "a");
});

Deno.test("groups that a worker's processes made go with its own", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  await using server = await serve({ group: place }, place);
  const { folder } = await server.call("create", "a", NONE);
  const script = `mkdir -p ${folder}/b/c && echo $$ >${folder}/b/c/cgroup.procs && sleep 300`;
  await server.call("start", "a", script);
  await until(() => own.list().includes("place/workers/a/b/c") && readProcs(`${folder}/b/c`)[0], {
    what: "it has moved below",
  });
  assertEquals(await server.call("isPopulated", "a"), true);
  await server.call("kill", "a");
  await server.call("ended", "a");
  await server.call("remove", "a");
  assertEquals(own.list(), ["place", "place/workers"]);
});

Deno.test("CPU time is counted, and what has no controller is not", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  await using server = await serve({ group: place }, place);
  await server.call("create", "a", NONE);
  await server.call("start", "a", "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
  assertEquals(await server.call("ended", "a"), "0");
  const { cpuUsec, ...rest } = await server.call("usage", "a");
  assertGreater(cpuUsec ?? 0, 0);
  // Pressure is counted by group without a controller, where the kernel counts it at all.
  const { pressure, ...none } = rest;
  assertEquals(Object.keys(none), []);
  for (const percent of Object.values(pressure ?? {})) assert(percent >= 0 && percent <= 100);
  assertEquals(await server.call("oomKills", "a"), 0);
  await server.call("remove", "a");
  assertEquals(Object.keys(await server.call("usage", "a")), []);
});

Deno.test(
  "limits without controllers are refused with the reason, but for processes",
  root,
  async () => {
    await using own = new OwnGroup();
    const place = makePlace(own);
    await using server = await serve({ group: place }, place);
    const limits = { memoryBytes: 2 ** 26, cpuCores: 1, pids: 5 };
    const error = await assertRejects(() => server.call("create", "a", limits), Error);
    assertMatch(
      error.message,
      /^NotSupportedError: cannot limit memory and cpu of .*\/workers\/a: groups there do not have /,
    );
    assertMatch(error.message, /\(memory: .+; cpu: .+\)$/);
    assertEquals(own.list(), ["place", "place/workers"]);
    const group = await server.call("create", "a", { ...NONE, pids: 5 });
    assertEquals(group.limits, NONE);
    await assertRejects(
      () => server.call("setLimits", "a", { ...NONE, cpuCores: 1 }),
      Error,
      "NotSupportedError: cannot limit cpu",
    );
    assertEquals(await server.call("setLimits", "a", NONE), NONE);
    await server.call("remove", "a");
  },
);

Deno.test("servers beside each other and after each other share a place", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own, USER);
  const options = { uid: USER, group: place };
  {
    await using one = await serve(options, place);
    await using two = await serve(options, place);
    await one.call("create", "a", NONE);
    await two.call("create", "b", NONE);
    await assertRejects(() => two.call("create", "a", NONE), Error, "EEXIST");
    // Another server's groups that are new may be about to be used.
    assertEquals([await one.call("sweep"), await two.call("sweep")], [0, 0]);
  }
  await using next = await serve(options, place);
  assertEquals(own.list(), ["place", "place/workers", "place/workers/a", "place/workers/b"]);
  assertEquals(await next.call("sweep"), 0);
});

Deno.test("servers that start at once find the same place", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  await using servers = new AsyncDisposableStack();
  const started = await Promise.all(
    Array.from({ length: 3 }, () => GroupServer.start({ group: place })),
  );
  for (const server of started) servers.use(server);
  const opened = await Promise.all(started.map((server) => server.call("open")));
  assertEquals(opened.map((it) => it.kind !== "none" && it.folder), [
    ...Array.from({ length: 3 }, () => `${place}/workers`),
  ]);
  assertEquals(own.list(), ["place", "place/workers"]);
});

Deno.test(
  "a server in the group that another one moved into uses the one above",
  root,
  async () => {
    await using own = new OwnGroup();
    const place = makePlace(own, USER);
    for (const name of ["place/server", "place/workers"]) own.make(name, USER);
    await using server = await serve({ uid: USER, group: `${place}/server` }, place);
    assertEquals(await server.group(), `${place.slice(CGROUP2.length)}/server`);
    assertEquals(own.list(), ["place", "place/server", "place/workers"]);
  },
);

Deno.test("root at the top of a mount makes a group of its own there", root, async () => {
  await using own = new OwnGroup();
  const script = `read _ && mount --bind '${own.path}' /mnt && umount ${CGROUP2} && exec "$@"`;
  const within = ["unshare", "-m", "sh", "-c", script, "sh"];
  await using server = await serve({ group: own.path, within }, "/mnt/blockyard");
  const { folder, path, level } = await server.call("create", "a", NONE);
  assertEquals([folder, path], ["/mnt/blockyard/workers/a", "blockyard/workers/a"]);
  // The mount shows a part, and packet filters count from the top of the whole.
  assertEquals(level, 4);
  assertEquals(own.list(), ["blockyard", "blockyard/workers", "blockyard/workers/a"]);
  await server.call("remove", "a");
});

Deno.test("a file system that is mounted over the place is not used", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  own.make("place/workers");
  const script = `read _ && mount -t tmpfs none '${place}/workers' && exec "$@"`;
  const within = ["unshare", "-m", "sh", "-c", script, "sh"];
  await using server = await GroupServer.start({ group: place, within });
  assertEquals(await server.call("open"), {
    kind: "none",
    reason: `something else is mounted at ${place}/workers`,
  });
});

Deno.test("an ordinary user that was given nothing is told why, and goes on", root, async () => {
  await using own = new OwnGroup();
  await using server = await GroupServer.start({ uid: USER, group: own.path });
  const opened = await server.call("open");
  assert(opened.kind === "none", JSON.stringify(opened));
  assertMatch(opened.reason, new RegExp(`^cannot make ${own.path}/blockyard-try-.*: EACCES$`));
  assertEquals(own.list(), []);
});

Deno.test("groups of workers that a user made are not used by root", root, async () => {
  await using own = new OwnGroup();
  const place = makePlace(own);
  own.make("place/workers", USER);
  await using server = await GroupServer.start({ group: place });
  assertEquals(await server.call("open"), {
    kind: "none",
    reason: `${place}/workers belongs to the uid ${USER}, not to root`,
  });
});

Deno.test("a group is new when it was just made, whoever looks at it", root, async () => {
  await using own = new OwnGroup();
  const before = Date.now();
  const folder = own.make("a", USER);
  const state = await kernelGroups.stat(folder);
  assertEquals(state?.ownerUid, USER);
  // The kernel's time has coarser steps.
  assert((state?.changedAtMs ?? 0) >= before - 1000, JSON.stringify(state));
  assertEquals(await kernelGroups.list(own.path), ["a"]);
});

Deno.test("what the kernel refuses is told with path and value", root, async () => {
  await using own = new OwnGroup();
  const write = async (file: string, value: string, folder = own.path) =>
    (await assertRejects(() => kernelGroups.write(folder, file, value), CgroupError)).message;
  const at = (file: string) => `${own.path}/${file}`;
  assertEquals(
    await write("cgroup.procs", "4194305"),
    `cannot write "4194305" to ${at("cgroup.procs")}: ESRCH`,
  );
  assertEquals(
    await write("cgroup.max.depth", "x"),
    `cannot write "x" to ${at("cgroup.max.depth")}: EINVAL`,
  );
  assertEquals(
    await write("cgroup.new", "1"),
    `cannot write "1" to ${at("cgroup.new")}: ENOENT`,
  );
  assertEquals(
    await write("cgroup.procs", "1", at("gone")),
    `cannot write "1" to ${at("gone/cgroup.procs")}: ENOENT`,
  );
});
