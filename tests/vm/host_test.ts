/** The preflight of the executable on a host that has cgroup v2 alone, as production has it. */
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { checkIn, type GuestFinding, preflightIn } from "./support/blockyard.ts";
import { CGROUP } from "./support/guest_command.ts";
import { CONTROLLERS, GuestGroup } from "./support/guest_group.ts";
import { testInVm } from "./support/vm_tests.ts";

testInVm("a host with cgroup v2 alone", {
  "has it at the usual place, with all that limits need": async (vm) => {
    const mounts = await vm.sh("grep cgroup /proc/self/mountinfo");
    assertEquals(mounts.split("\n").length, 1, mounts);
    assertStringIncludes(mounts, ` / ${CGROUP} rw,`);
    assertStringIncludes(mounts, " - cgroup2 ");
    assertEquals(await vm.sh("cat /proc/self/cgroup"), "0::/");
    const controllers = await vm.sh(`cat ${CGROUP}/cgroup.controllers`);
    for (const name of CONTROLLERS) {
      assert(controllers.split(" ").includes(name), `${name} is not among ${controllers}`);
    }
  },

  "lets root run R in a sandbox": async (vm) => {
    const [finding, ...others] = await checkIn(vm, "sandbox_smoke");
    assertEquals([finding?.severity, others], ["ok", []], finding?.message);
  },

  "lets root give workers groups with limits": async (vm) => {
    assertLimits(await checkIn(vm, "cgroup_delegation"), CGROUP);
  },

  "lets an ordinary user do both in a group of its own": async (vm) => {
    const { uid } = vm.user;
    await using group = await GuestGroup.make(vm, "delegated", { owner: uid });
    const only = ["sandbox_smoke", "cgroup_delegation", "resource_limits"];
    const report = await preflightIn(vm, { uid, group: group.folder, only });
    assertEquals(report.host.uid, uid);
    const about = (name: string) => report.results.filter((it) => it.name === name);
    const [smoke] = about("sandbox_smoke");
    assertEquals(smoke?.severity, "ok", smoke?.message);
    assertLimits(about("cgroup_delegation"), group.folder);
    // Of all that share one uid, only the group can tell one worker's processes from another's.
    const [processes] = about("resource_limits");
    assertEquals(processes?.severity, "ok", processes?.message);
    assertStringIncludes(processes?.message ?? "", "the cgroups of workers enforce the 256");
  },

  "warns an ordinary user in somebody else's group": async (vm) => {
    await using group = await GuestGroup.make(vm, "foreign");
    const options = { uid: vm.user.uid, group: group.folder };
    const [finding, ...others] = await checkIn(vm, "cgroup_delegation", options);
    assertEquals([finding?.severity, others], ["warning", []], finding?.message);
    assertStringIncludes(finding?.message ?? "", `cannot make ${group.folder}/`);
    assertEquals(finding?.fix?.kind, "advice");
  },

  "keeps of it the place for the groups of workers alone": async (vm) => {
    const left = await vm.sh(`find ${CGROUP} -mindepth 1 -type d`);
    assertEquals(left.split("\n"), [`${CGROUP}/blockyard`, `${CGROUP}/blockyard/workers`]);
  },
});

/** Fails unless workers can get groups with limits in a folder, and nothing is wrong with that. */
function assertLimits([finding, ...others]: readonly GuestFinding[], folder: string): void {
  const message = finding?.message ?? "";
  const expected = ["cgroup_delegation", "ok", []];
  assertEquals([finding?.name, finding?.severity, others], expected, message);
  const [, controllers = ""] = message.split(`groups with limits in ${folder} (`);
  for (const name of ["cpu", "memory", "pids"]) {
    assert(controllers.split(/[ ,)]+/).includes(name), `${name} is not in: ${message}`);
  }
}
