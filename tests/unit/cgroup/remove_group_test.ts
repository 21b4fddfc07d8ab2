import { CgroupError, removeGroup } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("a group is removed with those below it, the innermost first", UNIT, async () => {
  const groups = new FakeGroups({ "/cg/a": {}, "/cg/a/b": {}, "/cg/a/b/c": {}, "/cg/a/d": {} });
  await removeGroup("/cg/a", { groups, clock: new FakeClock(), waitMs: 0 });
  assertEquals(groups.calls, [
    "remove /cg/a/b/c",
    "remove /cg/a/b",
    "remove /cg/a/d",
    "remove /cg/a",
  ]);
});

Deno.test("a group that is gone already is no error", UNIT, async () => {
  const groups = new FakeGroups({});
  await removeGroup("/cg/a", { groups, clock: new FakeClock(), waitMs: 0 });
  assertEquals(groups.calls, []);
});

Deno.test("processes that are ending are waited for", UNIT, async () => {
  const clock = new FakeClock();
  const groups = new FakeGroups({ "/cg/a": { "cgroup.procs": "7\n" } });
  const removed = removeGroup("/cg/a", { groups, clock, waitMs: 100 });
  await clock.advance(50);
  assertEquals([groups.calls, clock.sleepers], [[], 1]);
  groups.groups.set("/cg/a", { "cgroup.procs": "" });
  await clock.advance(10);
  await removed;
  assertEquals([groups.calls, clock.sleepers], [["remove /cg/a"], 0]);
});

Deno.test("processes that stay are told after the time", UNIT, async () => {
  const clock = new FakeClock();
  const groups = new FakeGroups({ "/cg/a": { "cgroup.procs": "7\n" } });
  const failed = assertRejects(
    () => removeGroup("/cg/a", { groups, clock, waitMs: 100 }),
    CgroupError,
    "cannot remove /cg/a: EBUSY",
  );
  await clock.advance(200);
  await failed;
  assertEquals([...groups.groups.keys(), clock.sleepers], ["/cg/a", 0]);
});

Deno.test("what else the kernel says is told at once", UNIT, async () => {
  const groups = new FakeGroups({ "/cg/a": {} }, { "remove a": "EACCES" });
  await assertRejects(
    () => removeGroup("/cg/a", { groups, clock: new FakeClock(), waitMs: 100 }),
    CgroupError,
    "EACCES",
  );
});
