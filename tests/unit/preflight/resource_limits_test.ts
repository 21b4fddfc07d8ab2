import { loadConfig } from "#src/config/mod.ts";
import type { Finding } from "#src/preflight/finding.ts";
import type { PreflightHost, SandboxTrials } from "#src/preflight/mod.ts";
import { judgeCapacity } from "#src/preflight/process_capacity.ts";
import { judgeSharedLimit } from "#src/preflight/process_limit.ts";
import { resourceLimits } from "#src/preflight/resource_limits.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const INIT = 77;

/** What the kernel shows of a process's limits. */
const limitsText = (soft: string, hard: string) =>
  `Limit                     Soft Limit           Hard Limit           Units     \n` +
  `Max cpu time              unlimited            unlimited            seconds   \n` +
  `Max processes             ${soft.padEnd(20)} ${hard.padEnd(20)} processes \n` +
  `Max open files            1024                 4096                 files     \n`;

/** A host with much room. */
const ROOMY: Readonly<Record<string, string>> = {
  "sys/kernel/threads-max": "192000\n",
  "sys/kernel/pid_max": "4194304\n",
  "self/mountinfo": "",
  "self/cgroup": "0::/\n",
  "self/limits": limitsText("90000", "90000"),
  [`${INIT}/limits`]: limitsText("256", "256"),
};

/** Asks on a host whose kernel shows these files, and whose sandboxes run. */
async function ask(
  files: Readonly<Record<string, string | undefined>> = {},
  { isRoot = true, env = {}, run }: {
    isRoot?: boolean;
    env?: Record<string, string>;
    run?: SandboxTrials["run"];
  } = {},
): Promise<readonly Finding[]> {
  await using proc = await tempFolder();
  for (const [name, text] of Object.entries({ ...ROOMY, ...files })) {
    if (text !== undefined) await proc.write(name, text);
  }
  let ended = 0;
  const trial: SandboxTrials["run"] = async ({ whileRunning }) => {
    await whileRunning?.({ uid: 1, gid: 1, monitorPid: 76, initPid: INIT, end: () => ended++ });
    return { code: 137, stdout: "", stderr: "" };
  };
  const { identity, sandboxes } = fakeHost();
  const host: PreflightHost = fakeHost({
    config: loadConfig({ env, isRoot: true, readFile: () => "" }),
    identity: { ...identity, isRoot },
    roots: { proc: proc.path, etc: "/nonexistent", sys: "/nonexistent" },
    sandboxes: { ...sandboxes, run: run ?? trial },
  });
  const found = [await resourceLimits.run(host)].flat();
  // A program that is looked at must not go on until it is killed for being late.
  assertEquals(ended, isRoot && run === undefined ? 1 : 0);
  return found;
}

Deno.test("a worker with the configured limit is ok", UNIT, async () => {
  assertEquals(await ask(), [{
    severity: "ok",
    message: "a worker is limited to the 256 processes and threads of server.default_pids_limit",
  }]);
  const [other] = await ask({ [`${INIT}/limits`]: limitsText("300", "300") }, {
    env: { BLOCKYARD_SERVER_DEFAULT_PIDS_LIMIT: "300" },
  });
  assertEquals(other?.severity, "ok");
});

for (
  const { soft, hard, seen, fix } of [
    { soft: "100", hard: "100", seen: "100, below", fix: /LimitNPROC=.*ulimit -u/ },
    { soft: "100", hard: "256", seen: "100 \\(hard 256\\), below", fix: /LimitNPROC=/ },
    { soft: "256", hard: "unlimited", seen: "256 \\(hard unlimited\\), above", fix: /bubblewrap/ },
    { soft: "unlimited", hard: "unlimited", seen: "unlimited, above", fix: /bubblewrap/ },
  ]
) {
  Deno.test(`a worker with the limit ${soft}:${hard} is a warning`, UNIT, async () => {
    const [finding, ...more] = await ask({ [`${INIT}/limits`]: limitsText(soft, hard) });
    assertEquals([finding?.severity, more.length], ["warning", 0]);
    const wanted = new RegExp(`processes and threads is ${seen} the 256 of server\\.default_pids`);
    assertMatch(finding?.message ?? "", wanted);
    assertMatch(finding?.severity === "warning" ? finding.fix.text : "", fix);
  });
}

const couldNot = /^whether workers are limited to the 256 .* could not be tried: /;

Deno.test("a limit that the kernel does not show was not found out", UNIT, async () => {
  for (const text of [undefined, "", "Max processes             \n", limitsText("-1", "-1")]) {
    const [finding, ...more] = await ask({ [`${INIT}/limits`]: text });
    assertEquals([finding?.severity, more.length], ["warning", 0]);
    assertMatch(finding?.message ?? "", couldNot);
  }
});

Deno.test("a sandbox that cannot be made, or ends at once, shows no limit", UNIT, async () => {
  const refuse = () => Promise.reject(new Error("no launcher"));
  const [failed] = await ask({}, { run: refuse });
  assertEquals(failed?.severity, "warning");
  assertMatch(failed?.message ?? "", /could not be tried: no launcher$/);
  const end = () => Promise.resolve({ code: 1, stdout: "", stderr: "" });
  const [ended] = await ask({}, { run: end });
  assertEquals(ended?.severity, "warning");
  assertMatch(ended?.message ?? "", /could not be tried: the sandbox ended with code 1 before/);
});

Deno.test("without root the limit is a warning, and nothing is tried", UNIT, async () => {
  const [finding, ...more] = await ask({}, { isRoot: false });
  assertEquals([finding?.severity, more.length], ["warning", 0]);
  assertMatch(finding?.message ?? "", /^workers are not limited to the 256 .* server's uid 0$/);
  assertMatch(finding?.severity === "warning" ? finding.fix.text : "", /or run the server as root/);
  const [unknown] = await ask({ "self/cgroup": "?\n" }, { isRoot: false });
  assertEquals(unknown?.severity, "warning");
  assertMatch(
    unknown?.message ?? "",
    /^whether workers are limited to .* could not be found out: /,
  );
});

Deno.test(
  "without root a cgroup limits processes, where it has the controller for it",
  UNIT,
  () => {
    const place = { folder: "/c", standing: "delegated", hasKill: true } as const;
    const options = { wanted: 256, uid: 1000 };
    const message =
      "the cgroups of workers enforce the 256 processes and threads of server.default_pids_limit";
    const all = ["cpu", "memory", "pids"];
    for (
      const delegation of [
        { kind: "limits", ...place, controllers: all },
        {
          kind: "grouping",
          ...place,
          controllers: ["pids"],
          missing: [{ name: "cpu", why: "parent" }],
        },
      ] as const
    ) assertEquals(judgeSharedLimit(delegation, options), { severity: "ok", message });
    const without = { kind: "grouping", ...place, controllers: ["cpu"], missing: [] } as const;
    assertEquals(judgeSharedLimit(without, options).severity, "warning");
  },
);

Deno.test("bounds below what workers may have are told, each with its fix", UNIT, async () => {
  const found = await ask({
    "sys/kernel/threads-max": "25599\n",
    "sys/kernel/pid_max": "1055\n",
    "self/cgroup": "8:pids:/x/y\n0::/\n",
  });
  assertEquals(found.slice(1), [
    {
      severity: "info",
      message: "kernel.threads-max is 25599, so that not all of 100 workers can have 256 " +
        "processes and threads at a time",
      fix: {
        kind: "advice",
        text: "Raise kernel.threads-max with sysctl to 25600 or more, or lower proxy.max_workers " +
          "or server.default_pids_limit",
      },
    },
    {
      severity: "warning",
      message: "kernel.pid_max is 1055, so that not all of 100 workers can start while one has " +
        "256 processes and threads, for which it takes about 1056",
      fix: {
        kind: "advice",
        text: "Raise kernel.pid_max with sysctl to 25600 or more, or lower proxy.max_workers or " +
          "server.default_pids_limit",
      },
    },
  ]);
});

Deno.test("the lowest pids.max above the server counts", UNIT, async () => {
  await using sys = await tempFolder();
  await sys.write("a/pids.max", "5000\n");
  await sys.write("a/b/pids.max", "max\n");
  await sys.write("a/b/c/pids.max", "9000\n");
  const [, finding, ...more] = await ask({
    "self/mountinfo": `39 31 0:36 / ${sys.path} rw - cgroup2 cgroup2 rw\n`,
    "self/cgroup": "0::/a/b/c\n",
  });
  assertEquals([finding?.severity, more.length], ["info", 0]);
  assertMatch(finding?.message ?? "", /^\S+\/a\/pids\.max is 5000, so that not all of 100/);
  assertMatch(finding?.severity === "info" ? finding.fix.text : "", /^Raise it, with TasksMax= /);
});

Deno.test("without root the user's own limit bounds all workers", UNIT, async () => {
  const files = { "self/limits": limitsText("500", "90000") };
  const [, finding] = await ask(files, { isRoot: false });
  assertEquals(finding?.severity, "warning");
  assertMatch(finding?.message ?? "", /^the number of .* \(ulimit -u\) is 500, so that/);
  assertEquals((await ask(files)).length, 1, "root's own limit binds no worker");
});

Deno.test(
  "a bound that cannot be read was not found out, and the others are told",
  UNIT,
  async () => {
    const found = await ask({
      "sys/kernel/threads-max": undefined,
      "sys/kernel/pid_max": "300\n",
      "self/cgroup": "garbled\n",
    });
    assertEquals(found.map(({ severity }) => severity), ["ok", "warning", "warning", "warning"]);
    assertMatch(found[1]?.message ?? "", /^kernel\.pid_max is 300/);
    for (const { message } of found.slice(2)) {
      assertMatch(message, /^what bounds the number of processes could not be found out: /);
    }
    const garbled = await ask({ "sys/kernel/pid_max": "many\n" });
    assertMatch(garbled[1]?.message ?? "", /pid_max: it is "many", want a number$/);
  },
);

Deno.test("bounds that leave room say nothing", UNIT, () => {
  const bounds = [10, 100, Infinity].map((value) => ({ name: "it", value, raise: "Raise it" }));
  assertEquals(judgeCapacity(bounds, { perWorker: 10, workers: 1 }), []);
  assertEquals(judgeCapacity(bounds, { perWorker: 10, workers: 2 }).length, 1);
});
