import { toGid, toPid, toUid } from "#src/core/mod.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { look } from "./host_files.ts";
import { FILES, lookAt, OTHER_UIDS, uids } from "./id_files.ts";
import { statusOf } from "./process_status.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("uids that are nobody else's are ok, and counted", UNIT, async () => {
  assertEquals(await lookAt({}), [{
    severity: "ok",
    message: "1000 uids from 1900000000 to 1900000999 and gid 1900000000 for 100 workers, and " +
      "nobody else of the host has them",
  }]);
});

Deno.test("without root the uids are not used", UNIT, async () => {
  const identity = { uid: toUid(1000), gid: toGid(1000), groups: [], isRoot: false };
  assertEquals(await lookAt({ "etc/passwd": "x:x:1900000000:0:::\n" }, { identity }), [{
    severity: "info",
    message: "workers run under the server's own uid 1000, so that the uids from 1900000000 to " +
      "1900000999 are not used",
    fix: {
      kind: "advice",
      text: "Start the server as root to give each worker a uid of its own",
    },
  }]);
});

Deno.test(
  "ids that the user namespace does not have are errors, each with others that it has",
  UNIT,
  async () => {
    const found = await lookAt({
      "proc/self/uid_map": "0 100000 65536\n",
      "proc/self/gid_map": "0 100000 65536\n",
    });
    assertEquals(found, [
      {
        severity: "error",
        message:
          "1000 uids of the workers' (1900000000 to 1900000999) cannot be taken, because the " +
          "server's user namespace does not have them",
        // No place for a thousand is left by those who hand out uids below 65536, but for a hundred.
        fix: { kind: "advice", text: `${OTHER_UIDS}, such as 60706 to 60805` },
      },
      {
        severity: "error",
        message:
          "process.worker_gid 1900000000 cannot be taken, because the server's user namespace " +
          "does not have it",
        fix: { kind: "setting", text: "process.worker_gid: 60706" },
      },
    ]);
  },
);

Deno.test("the parts of the range that are not mapped are named", UNIT, async () => {
  const map = "0 100000 65536\n1900000000 1 10\n1900000020 300 980\n";
  const [found, ...more] = await lookAt({ "proc/self/uid_map": map });
  assertEquals([found?.severity, more.length], ["error", 0]);
  assertMatch(found?.message ?? "", /^10 uids of the workers' \(1900000010 to 1900000019\) cannot/);
});

for (
  const [effective, names] of [
    ["000001ffffffff7f", "CAP_SETUID"],
    ["000001ffffffffbf", "CAP_SETGID"],
    ["0000000000000000", "CAP_SETGID and CAP_SETUID"],
  ] as const
) {
  Deno.test(`a server without ${names} can give no ids`, UNIT, async () => {
    assertEquals(await lookAt({ "proc/self/status": `CapEff:\t${effective}\n` }), [{
      severity: "error",
      message: `no ids of workers can be taken, because the server runs without ${names}`,
      fix: {
        kind: "advice",
        text: `Leave ${names} to the server: in the CapabilityBoundingSet= of its unit, or with ` +
          "what starts its container",
      },
    }]);
  });
}

Deno.test("a namespace of one user has nothing to offer", UNIT, async () => {
  const found = await lookAt({
    "proc/self/uid_map": "0 1000 1\n",
    "proc/self/gid_map": "0 1000 1\n",
    "proc/self/setgroups": "deny\n",
  });
  assertEquals(found.map(({ severity }) => severity), ["error", "error", "error"]);
  assertEquals(found.map((it) => it.severity === "ok" ? "" : it.fix.text), [
    OTHER_UIDS,
    "Set process.worker_gid to a gid that the server can take and no group has",
    "Run the server outside of this user namespace, or in one whose gids were mapped by a " +
    "privileged process, as newgidmap and container engines do",
  ]);
  assertStringIncludes(found[2]?.message ?? "", "denies setgroups(2)");
});

Deno.test(
  "processes under uids of workers are to be known, but not this process's own",
  UNIT,
  async () => {
    const own = Deno.pid;
    const child = own === 900_001 ? 900_002 : 900_001;
    const found = await lookAt({
      "proc/800/status": statusOf({ pid: 800, uid: 1_900_000_003 }),
      "proc/801/status": statusOf({ pid: 801, uid: 0, savedUid: 1_900_000_001 }),
      "proc/802/status": statusOf({ pid: 802, uid: 1_900_001_000 }),
      [`proc/${own}/status`]: statusOf({ pid: own, uid: 0 }),
      [`proc/${own}/task/${own}/children`]: `${child} `,
      [`proc/${child}/status`]: statusOf({ pid: toPid(child), uid: 1_900_000_005 }),
    });
    assertEquals(found, [{
      severity: "info",
      message:
        "processes run under 2 uids of the workers' (1900000001, 1900000003): they are workers " +
        "of a running server, or their uids are passed over",
      fix: { kind: "advice", text: "End the processes if they are not workers" },
    }]);
  },
);

Deno.test(
  "processes that have ended do not count, as for the server, unless a thread goes on",
  UNIT,
  async () => {
    const state = "Z (zombie)";
    const files = {
      "proc/800/status": statusOf({ pid: 800, uid: 1_900_000_003, state }),
      "proc/800/task/800/status": statusOf({ pid: 800, uid: 1_900_000_003, state }),
      // Its threads are gone as soon as somebody reaps it.
      "proc/900/status": statusOf({ pid: 900, uid: 1_900_000_004, state }),
    };
    assertEquals((await lookAt(files)).map(({ severity }) => severity), ["ok"]);
    const thread = { "proc/800/task/801/status": statusOf({ pid: 801, uid: 1_900_000_003 }) };
    const [found] = await lookAt({ ...files, ...thread });
    assertMatch(found?.message ?? "", /^processes run under 1 uid of the workers' \(1900000003\)/);
  },
);

Deno.test("so many uids in use that workers may lack them are a warning", UNIT, async () => {
  const files = { "proc/800/status": statusOf({ pid: 800, uid: 1_900_000_003 }) };
  const [found] = await lookAt(files, { env: uids(1_900_000_000, 1_900_000_009, 10) });
  assertEquals(found, {
    severity: "warning",
    message:
      "processes run under 1 uid of the workers' (1900000003): if they are not workers of a " +
      "running server, 9 are left for 10 workers",
    fix: { kind: "advice", text: `${OTHER_UIDS}, such as 1900000010 to 1900000019` },
  });
});

Deno.test(
  "fewer uids than ports are to be known, and the setting for it makes it ok",
  UNIT,
  async () => {
    const env = { ...uids(1_900_000_000, 1_900_000_499), PROCESS_PORT_RANGE_END: "10999" };
    const [found] = await lookAt({}, { env });
    assertEquals(found, {
      severity: "info",
      message:
        "500 uids for 1000 ports: no more than 500 workers can run at a time, and the other " +
        "ports are never used",
      fix: { kind: "setting", text: "process.worker_uid_range_end: 1900000999" },
    });
    const more = { ...env, PROCESS_WORKER_UID_RANGE_END: "1900000999" };
    assertEquals((await lookAt({}, { env: more })).map(({ severity }) => severity), ["ok"]);
  },
);

Deno.test("where no worker has a port, uids need not be as many as ports", UNIT, async () => {
  const few = { ...uids(1_900_000_000, 1_900_000_499), PROCESS_PORT_RANGE_END: "10999" };
  const found = await lookAt({}, { env: { ...few, PROCESS_NETWORK: "none" } });
  assertEquals(found.map(({ severity }) => severity), ["ok"]);
});

Deno.test("where more uids are not free, fewer ports are the setting", UNIT, async () => {
  const files = { "etc/passwd": "dan:x:1900000700:1000::/home/dan:/bin/sh\n" };
  const env = { ...uids(1_900_000_000, 1_900_000_499), PROCESS_PORT_RANGE_END: "10999" };
  const [found] = await lookAt(files, { env });
  assert(found?.severity === "info");
  assertEquals(found.fix, { kind: "setting", text: "process.port_range_end: 10499" });
  const fewer = { ...env, PROCESS_PORT_RANGE_END: "10499" };
  assertEquals((await lookAt(files, { env: fewer })).map(({ severity }) => severity), ["ok"]);
});

for (
  const [name, text] of [
    ["proc/self/uid_map", "0 0\n"],
    ["proc/self/gid_map", "0 0 -1\n"],
    ["proc/self/uid_map", "0 0 0\n"],
    ["proc/self/setgroups", "maybe\n"],
    ["proc/self/status", "CapEff:\tall\n"],
    ["proc/1/status", "nonsense\n"],
  ] as const
) {
  Deno.test(`${JSON.stringify(text)} in ${name} is never called ok`, UNIT, async () => {
    const found = await lookAt({ [name]: text });
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(found[0]?.message ?? "", " could not be found out: ");
  });
}

for (
  const name of [
    "proc/self/uid_map",
    "proc/self/setgroups",
    "proc/self/status",
    "proc/1/status",
    "etc/passwd",
    "etc/group",
  ]
) {
  Deno.test(`without ${name} nothing is called ok`, UNIT, async () => {
    const { [name]: _left, ...files }: Record<string, string> = FILES;
    const found = await look(uidRange, { files });
    assertEquals(found.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(found[0]?.message ?? "", " could not be found out: ");
  });
}
