/** The checks of cgroups and limits, on the real host and in real surroundings of a test's own. */
import { LIMIT_CONTROLLERS, parseControllers, parseMembership } from "#src/cgroup/mod.ts";
import type { Finding } from "#src/preflight/mod.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { ask, CGROUP2, OwnGroup, type Question } from "#tests/support/own_group.ts";

const groups = needs({ root: true, files: [`${CGROUP2}/cgroup.procs`, "/usr/bin/unshare"] });
const limits = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/prlimit"] });

/** A thousand users that no process of this host has. */
const USERS = 1_971_000_000 + (Deno.pid % 400) * 1000;
const ENV = {
  PROCESS_WORKER_UID_RANGE_START: String(USERS + 1),
  PROCESS_WORKER_UID_RANGE_END: String(USERS + 9),
  PROCESS_WORKER_GID: String(USERS + 1),
  PROXY_MAX_WORKERS: "2",
};

async function look(question: Question): Promise<readonly Finding[]> {
  const env = { ...ENV, ...question.env };
  const found = await ask<readonly Finding[]>({ ...question, env });
  assertEquals(processesOfUids({ start: USERS, end: USERS + 9 }), []);
  return found;
}

const fixOf = (finding: Finding | undefined) =>
  finding === undefined || finding.severity === "ok" ? undefined : finding.fix;

Deno.test("as root the check names a folder and what is missing there", groups, async () => {
  await using group = new OwnGroup();
  const [finding, ...more] = await look({ about: "cgroup_delegation", groups: [group.path] });
  assertEquals(more, []);
  const read = async (path: string) => await Deno.readTextFile(path);
  const available = parseControllers(await read(`${CGROUP2}/cgroup.controllers`));
  const v1 = parseMembership(await read("/proc/self/cgroup")).legacy
    .flatMap(({ controllers }) => controllers);
  const missing = LIMIT_CONTROLLERS.filter((name) => !available.includes(name));
  if (missing.length === 0) {
    assertEquals(finding?.severity, "ok", JSON.stringify(finding));
    assertMatch(finding?.message ?? "", /^workers can get groups with limits in \/sys\/fs\/cgroup/);
    return;
  }
  assertEquals([finding?.severity, fixOf(finding)?.kind], ["warning", "advice"]);
  const start = `workers can get groups in ${group.path}, but no limits by `;
  assert(finding?.message.startsWith(start), finding?.message);
  for (const name of missing) {
    const reason = v1.includes(name)
      ? /: .*cgroup v1 has [a-z, ]*/
      : /: .*the kernel does not offer [a-z, ]*/;
    assertMatch(finding?.message ?? "", new RegExp(`${reason.source}${name}`));
  }
  const isLegacy = missing.some((name) => v1.includes(name));
  assertEquals(fixOf(finding)?.text.includes("systemd.unified_cgroup_hierarchy=1"), isLegacy);
  assertEquals(group.list(), []);
});

Deno.test("an ordinary user is told to have the unit delegated", groups, async () => {
  await using group = new OwnGroup();
  const question = { about: "cgroup_delegation", uid: USERS } as const;
  const [refused, ...more] = await look({ ...question, groups: [group.path] });
  assertEquals([refused?.severity, more.length], ["warning", 0]);
  assertMatch(refused?.message ?? "", /^workers get no groups, .*: cannot make .*: EACCES; /);
  assertMatch(fixOf(refused)?.text ?? "", /^Set Delegate=yes in the server's unit/);
  // As the unit's setting does it.
  const folder = group.make("blockyard.service", USERS);
  const [handed] = await look({ ...question, groups: [folder] });
  assertEquals(handed?.severity, "warning");
  assertMatch(handed?.message ?? "", /^workers can get groups in .*\/blockyard\.service, but no/);
});

Deno.test(
  "it is asked where a server would settle that is started beside another",
  groups,
  async () => {
    await using group = new OwnGroup();
    // Where a program is put that is started in the container or the unit of a running server.
    const [, server = ""] = ["blockyard.service", "blockyard.service/server"]
      .map((name) => group.make(name, USERS));
    const question = { about: "cgroup_delegation", uid: USERS, groups: [server] } as const;
    const [alone] = await look(question);
    assertMatch(
      alone?.message ?? "",
      /^workers can get groups in .*\/blockyard\.service\/server, but/,
    );
    group.make("blockyard.service/workers", USERS);
    const [beside] = await look(question);
    assertMatch(beside?.message ?? "", /^workers can get groups in .*\/blockyard\.service, but no/);
  },
);

Deno.test("a read-only mount is a warning that says so", groups, async () => {
  const line = `mount -o remount,ro,bind ${CGROUP2} && exec "$@"`;
  const within = ["unshare", "-m", "sh", "-c", line, "sh"];
  const [finding, ...more] = await look({ about: "cgroup_delegation", within });
  assertEquals([finding?.severity, more.length], ["warning", 0]);
  assertMatch(finding?.message ?? "", /: EROFS; /);
  assertMatch(fixOf(finding)?.text ?? "", /^Let the server write to the cgroup2 mount/);
});

Deno.test("where cgroup v2 is mounted nowhere, the way to have it is told", groups, async () => {
  const within = ["unshare", "-m", "sh", "-c", `umount -l ${CGROUP2} && exec "$@"`, "sh"];
  const [finding, ...more] = await look({ about: "cgroup_delegation", within });
  assertEquals([finding?.severity, more.length], ["warning", 0]);
  assertMatch(finding?.message ?? "", /: no mount of cgroup v2 can be reached/);
  assertMatch(fixOf(finding)?.text ?? "", /^Boot with systemd\.unified_cgroup_hierarchy=1 /);
});

const LIMIT_MESSAGE = /^a worker is limited to the (\d+) processes and threads of server\.default/;

Deno.test("a real worker has the configured limit of processes", limits, async () => {
  for (const limit of ["256", "77"]) {
    const env = { SERVER_DEFAULT_PIDS_LIMIT: limit };
    const [finding] = await look({ about: "resource_limits", env });
    assertEquals(finding?.severity, "ok", JSON.stringify(finding));
    assertEquals(LIMIT_MESSAGE.exec(finding?.message ?? "")?.[1], limit);
  }
});

Deno.test("limits that no controller enforces here are a warning", limits, async () => {
  const env = { SERVER_DEFAULT_MEMORY_LIMIT: "1g", SERVER_DEFAULT_CPU_LIMIT: "2" };
  const found = await look({ about: "resource_limits", env });
  const [finding] = found.filter(({ message }) => message.includes("default_memory_limit"));
  const hasControllers = /memory/.test(await Deno.readTextFile(`${CGROUP2}/cgroup.controllers`));
  assertEquals(finding?.severity, hasControllers ? "ok" : "warning", JSON.stringify(found));
  assertMatch(finding?.message ?? "", /server\.default_memory_limit and server\.default_cpu_limit/);
});

Deno.test(
  "a lower limit of what starts the server is a warning, raised it is ok",
  limits,
  async () => {
    const about = "resource_limits";
    const [low] = await look({ about, within: ["/usr/bin/prlimit", "--nproc=100:100"] });
    assertEquals(low?.severity, "warning");
    assertMatch(low?.message ?? "", /is 100, below the 256 of server\.default_pids_limit: /);
    assertMatch(fixOf(low)?.text ?? "", /LimitNPROC=/);
    // A soft limit that the process may raise by itself is in nobody's way.
    const [soft] = await look({ about, within: ["/usr/bin/prlimit", "--nproc=100:300"] });
    assertEquals(soft?.severity, "ok", JSON.stringify(soft));
  },
);

Deno.test(
  "a limit that cannot be tried without bwrap was not found out",
  limits,
  async () => {
    const env = { PROCESS_BWRAP_PATH: "/nonexistent/bwrap" };
    const [finding] = await look({ about: "resource_limits", env });
    assertEquals(finding?.severity, "warning");
    assertMatch(
      finding?.message ?? "",
      /could not be tried: .*\/nonexistent\/bwrap is no program$/,
    );
  },
);

Deno.test(
  "an ordinary user is told that nothing is limited, and by what it is",
  limits,
  async () => {
    const within = ["/usr/bin/prlimit", "--nproc=400:400"];
    const [shared, bound] = await look({ about: "resource_limits", uid: USERS, within });
    assertEquals(shared?.severity, "warning");
    assertMatch(shared?.message ?? "", new RegExp(`share the server's uid ${USERS}$`));
    // 256 + 2 × 8 fit, 2 × 256 do not.
    assertEquals(bound?.severity, "info", JSON.stringify(bound));
    assertMatch(
      bound?.message ?? "",
      /\(ulimit -u\) is 400, so that not all of 2 workers can have/,
    );
  },
);

Deno.test("more processes than the kernel has room for are told", limits, async () => {
  const threads = Number(await Deno.readTextFile("/proc/sys/kernel/threads-max"));
  for (const [share, severity] of [[0.6, "info"], [1.2, "warning"]] as const) {
    const env = { SERVER_DEFAULT_PIDS_LIMIT: String(Math.round(threads * share)) };
    const found = await look({ about: "resource_limits", env });
    const told = found.find(({ message }) => message.startsWith("kernel.threads-max is "));
    assertEquals(told?.severity, severity, JSON.stringify(found));
  }
});
