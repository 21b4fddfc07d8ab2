import type { Delegation, MissingController } from "#src/cgroup/mod.ts";
import { cgroupDelegation, judgeDelegation } from "#src/preflight/cgroup_delegation.ts";
import type { Finding } from "#src/preflight/finding.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const FOLDER = "/sys/fs/cgroup/system.slice/blockyard.service";
const UNBOUNDED = "; a worker can take all memory of the host, with empty files on its /tmp too";
const ALL = ["cpuset", "cpu", "io", "memory", "pids"];
const UNIFY =
  "Boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line; without " +
  "systemd, with cgroup_no_v1=all, and mount cgroup2 at /sys/fs/cgroup";
const DELEGATE =
  "Set Delegate=yes in the server's unit, as in the one that blockyard systemd-unit prints";

const limits = (changes: Partial<Extract<Delegation, { kind: "limits" }>> = {}): Delegation => ({
  kind: "limits",
  folder: FOLDER,
  standing: "delegated",
  controllers: ALL,
  hasKill: true,
  ...changes,
});

const judge = (delegation: Delegation, hasLegacy = false) =>
  judgeDelegation({ delegation, hasLegacy });

const advice = (text: string) => ({ kind: "advice", text }) as const;

Deno.test("a place with every controller is ok, and told", UNIT, () => {
  const message = `workers can get groups with limits in ${FOLDER} (cpuset cpu io memory pids)`;
  assertEquals(judge(limits()), [{ severity: "ok", message }]);
  assertEquals(judge(limits({ standing: "free" })), [{ severity: "ok", message }]);
});

Deno.test("packet filters are told where the groups are", UNIT, () => {
  const workers = { path: "blockyard/workers", level: 2 };
  const [finding] = judgeDelegation({ delegation: limits(), hasLegacy: false, workers });
  assertMatch(
    finding?.message ?? "",
    /pids\); nft and iptables find them in cgroup "blockyard\/workers", level 2$/,
  );
});

Deno.test("what is nice to have and not there is named", UNIT, () => {
  const controllers = ["cpu", "memory", "pids"];
  assertEquals(judge(limits({ controllers })), [{
    severity: "ok",
    message:
      `workers can get groups with limits in ${FOLDER} (cpu memory pids, without io and cpuset)`,
  }]);
});

Deno.test("limits against systemd's rules are something to know", UNIT, () => {
  assertEquals(judge(limits({ folder: "/sys/fs/cgroup", standing: "systemd" })), [{
    severity: "info",
    message: "workers can get groups with limits in /sys/fs/cgroup (cpuset cpu io memory pids), " +
      "but systemd manages that folder and has delegated nothing there",
    fix: advice(DELEGATE),
  }]);
});

Deno.test("whether a user's manager has delegated a unit is left open", UNIT, () => {
  const manager = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service";
  const service = `${manager}/app.slice/blockyard.service`;
  assertEquals(judge(limits({ folder: service, standing: "systemd" })), [{
    severity: "info",
    message: `workers can get groups with limits in ${service} (cpuset cpu io memory pids), ` +
      "provided that systemd has delegated it, which a user's own manager does not tell",
    fix: advice(
      "See that Delegate=yes is set in the server's unit, as in the one that blockyard " +
        "systemd-unit prints",
    ),
  }]);
  const scope = `${manager}/app.slice/run-1.scope`;
  const [finding] = judge(limits({ folder: scope, standing: "systemd" }));
  assertMatch(finding?.message ?? "", /has delegated nothing there$/);
});

Deno.test("a kernel without cgroup.kill is something to know", UNIT, () => {
  const found = judge(limits({ hasKill: false, standing: "systemd" }));
  assertEquals(found.map(({ severity }) => severity), ["info", "info"]);
  assertMatch(
    found[1]?.message ?? "",
    /they cannot be killed as a whole: there is no cgroup\.kill/,
  );
  assertEquals(found[1]?.severity !== "ok" && found[1]?.fix.text, "Use Linux 5.14 or newer");
});

const grouping = (...missing: MissingController[]): Finding | undefined =>
  judge({
    kind: "grouping",
    folder: FOLDER,
    standing: "delegated",
    controllers: [],
    hasKill: true,
    missing,
  })[0];

for (
  const { why, reason, fix } of [
    { why: "legacy", reason: "cgroup v1 has cpu and pids", fix: UNIFY },
    {
      why: "absent",
      reason: "the kernel does not offer cpu and pids",
      fix: "Boot a kernel that has them, without cgroup_disable= on its command line",
    },
    {
      why: "parent",
      reason: "the group above hands down no cpu and pids",
      fix: "Set Delegate=cpu memory pids io cpuset in the server's unit",
    },
    {
      why: "locked",
      reason: "its cgroup.subtree_control, which would hand down cpu and pids, is not writable",
      fix: DELEGATE,
    },
    {
      why: "occupied",
      reason: "other processes are in it, so that it cannot hand down cpu and pids",
      fix: "Start the server as a service of its own, with Delegate=yes in its unit",
    },
  ] as const
) {
  Deno.test(`controllers that are ${why} are a warning that says what gives them`, UNIT, () => {
    assertEquals(grouping({ name: "cpu", why }, { name: "pids", why }), {
      severity: "warning",
      message: `workers can get groups in ${FOLDER}, but no limits by cpu and pids: ${reason}`,
      fix: advice(fix),
    });
  });
}

Deno.test("a unit of a user's manager gets no more than the manager has", UNIT, () => {
  const folder = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/b.service";
  const place = { kind: "grouping", folder, standing: "delegated", hasKill: true } as const;
  const fixOf = (missing: readonly MissingController[]) => {
    const [found] = judge({ ...place, controllers: ["memory", "pids"], missing });
    return found?.severity === "warning" ? found.fix.text : "";
  };
  assertEquals(
    fixOf([{ name: "cpu", why: "parent" }]),
    "Set Delegate=cpu memory pids io cpuset in the server's unit, and in user@.service, which has " +
      "the units of users",
  );
  assertEquals(fixOf([{ name: "cpu", why: "locked" }]), DELEGATE);
});

Deno.test("each reason is told once, with its advice", UNIT, () => {
  const found = grouping(
    { name: "cpu", why: "legacy" },
    { name: "memory", why: "parent" },
    { name: "pids", why: "legacy" },
  );
  assertEquals(
    found?.message,
    `workers can get groups in ${FOLDER}, but no limits by cpu, memory and pids: cgroup v1 has ` +
      `cpu and pids, and the group above hands down no memory${UNBOUNDED}`,
  );
  assertEquals(
    found?.severity !== "ok" && found?.fix.text,
    `${UNIFY}. Set Delegate=cpu memory pids io cpuset in the server's unit`,
  );
});

for (
  const { obstacle, fix } of [
    { obstacle: "no_mount", fix: UNIFY },
    {
      obstacle: "read_only",
      fix:
        "Let the server write to the cgroup2 mount; in a container that is a matter of its engine",
    },
    {
      obstacle: "outside",
      fix: "Start the server anew in a group that the cgroup2 mount shows; in a container that " +
        "takes a cgroup namespace of its own",
    },
    { obstacle: "refused", fix: DELEGATE },
    { obstacle: "failed", fix: "Repair what the message names and run the preflight again" },
    {
      obstacle: "stuck",
      fix: "Remove the folder that the message names with rmdir and run the preflight again",
    },
  ] as const
) {
  Deno.test(`no groups because of ${obstacle} is a warning with its advice`, UNIT, () => {
    assertEquals(judge({ kind: "none", obstacle, reason: "it is so" }), [{
      severity: "warning",
      message: `workers get no groups, and so no limits of memory and CPU: it is so${UNBOUNDED}`,
      fix: advice(fix),
    }]);
  });
}

/** Asks on a host whose kernel shows these files of the process. */
async function ask(files: Readonly<Record<string, string>>): Promise<readonly Finding[]> {
  await using proc = await tempFolder();
  for (const [name, text] of Object.entries(files)) await proc.write(`self/${name}`, text);
  return [
    await cgroupDelegation.run(fakeHost({
      roots: { proc: proc.path, etc: "/nonexistent", sys: "/nonexistent" },
    })),
  ].flat();
}

Deno.test("a host with cgroup v1 alone is told that it is not used", UNIT, async () => {
  const [finding] = await ask({
    mountinfo: "39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
    cgroup: "8:pids:/\n",
  });
  assertEquals(finding, {
    severity: "warning",
    message: "workers get no groups, and so no limits of memory and CPU: no mount of cgroup v2 " +
      `can be reached, only cgroup v1, which is not used${UNBOUNDED}`,
    fix: advice(UNIFY),
  });
});

Deno.test("a host that shows no cgroups at all is told so", UNIT, async () => {
  const [finding] = await ask({ mountinfo: "", cgroup: "" });
  assertMatch(finding?.message ?? "", /: no mount of cgroup v2 can be reached; /);
});

Deno.test("what cannot be read or is not understood was not found out", UNIT, async () => {
  for (const files of [{}, { mountinfo: "?\n", cgroup: "0::/\n" }, { mountinfo: "" }]) {
    const [finding, ...more] = await ask(files);
    assertEquals([finding?.severity, more.length], ["warning", 0]);
    assertMatch(finding?.message ?? "", /^what can be done with cgroups could not be found out: /);
  }
});
