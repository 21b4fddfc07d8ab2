import { CgroupError, handDown, moveOwnProcesses } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const ALL = { "cgroup.controllers": "cpu memory pids\n" };

/** Moves what is process 50's on a host where 51 and 52 are its children, and 60 is not. */
async function move(groups: FakeGroups): Promise<number> {
  await using proc = await tempFolder();
  for (const [pid, parent] of [[50, 1], [51, 50], [52, 50], [60, 1]]) {
    await proc.write(`${pid}/status`, `Name:\tx\nPPid:\t${parent}\n`);
  }
  const options = { groups, clock: new FakeClock(), proc: proc.path, pid: 50 };
  return await moveOwnProcesses("/cg", "/cg/server", options);
}

const procs = (groups: FakeGroups, folder: string) => groups.groups.get(folder)?.["cgroup.procs"];

Deno.test("a process moves with its children, and leaves others", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": { "cgroup.procs": "50\n51\n60\n" } });
  assertEquals(await move(groups), 2);
  assertEquals([procs(groups, "/cg"), procs(groups, "/cg/server")], ["60\n", "50\n51\n"]);
});

Deno.test("without any in the group nothing is made", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": { "cgroup.procs": "60\n" } });
  assertEquals([await move(groups), groups.calls], [0, []]);
});

Deno.test("a child that is started in between moves, too", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": { "cgroup.procs": "50\n" } });
  const write = groups.write.bind(groups);
  groups.write = async (folder, file, value) => {
    await write(folder, file, value);
    if (value === "50") groups.groups.set("/cg", { "cgroup.procs": "52\n" });
  };
  assertEquals([await move(groups), procs(groups, "/cg/server")], [2, "50\n52\n"]);
});

Deno.test("a child that has ended in between is in no one's way", UNIT, async () => {
  const groups = new FakeGroups({ "/cg": { "cgroup.procs": "51\n" } });
  Object.assign(groups.refused, { "/cg/server/cgroup.procs": "ESRCH" });
  assertEquals(await move(groups), 0);
  Object.assign(groups.refused, { "/cg/server/cgroup.procs": "EACCES" });
  await assertRejects(() => move(groups), CgroupError, 'cannot write "51" to /cg/server/cgroup.p');
});

Deno.test("what is handed down already is not written again", UNIT, async () => {
  const files = { ...ALL, "cgroup.subtree_control": "cpu pids\n" };
  const groups = new FakeGroups({ "/cg": files });
  const clock = new FakeClock();
  assertEquals(await handDown("/cg", ["cpu", "memory", "pids"], { groups, clock }), new Map());
  assertEquals(groups.writes, ["/cg/cgroup.subtree_control +memory"]);
  assertEquals(await handDown("/cg", ["cpu", "memory", "pids"], { groups, clock }), new Map());
  assertEquals(groups.writes.length, 1);
});

Deno.test(
  "processes that are about to leave are waited for, for a while",
  UNIT,
  async () => {
    const clock = new FakeClock();
    const groups = new FakeGroups({ "/cg": { ...ALL, "cgroup.procs": "60\n" } });
    const look = async () => {
      const handed = handDown("/cg", ["cpu"], { groups, clock });
      await clock.advance(20);
      return handed;
    };
    const refused = handDown("/cg", ["cpu"], { groups, clock });
    await clock.advance(40);
    assertEquals(await refused, new Map([["cpu", "processes are left in /cg"]]));
    const waiting = look();
    groups.groups.set("/cg", { ...groups.groups.get("/cg"), "cgroup.procs": "" });
    assertEquals([await waiting, clock.sleepers], [new Map(), 0]);
  },
);
