import type { Finding, PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { finding as findingPrograms, look } from "./host_files.ts";
import { FILES, lookAt, OTHER_UIDS, uids } from "./id_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** A host whose name service answers. */
function answering(
  answer: (command: readonly string[]) => ProgramResult | Promise<ProgramResult>,
): Pick<PreflightHost, "findProgram" | "runProgram"> {
  return {
    findProgram: findingPrograms("getent"),
    runProgram: (command) => Promise.resolve().then(() => answer(command)),
  };
}

Deno.test("a user of the host with a uid of workers is an error", UNIT, async () => {
  const passwd = FILES["etc/passwd"] + "bea:x:1900000000:1000::/home/bea:/bin/sh\n" +
    "cyd:x:1900000999:1000::/home/cyd:/bin/sh\ndan:x:1900001000:1000::/home/dan:/bin/sh\n";
  assertEquals(await lookAt({ "etc/passwd": passwd }), [{
    severity: "error",
    message:
      "workers could read and change the files of 2 users of this host, whose uids are among " +
      "theirs: bea (1900000000), cyd (1900000999)",
    // The next one is dan's.
    fix: { kind: "advice", text: `${OTHER_UIDS}, such as 1900001001 to 1900002000` },
  }]);
});

Deno.test(
  "no more than five users are named, and lines that are none are left out",
  UNIT,
  async () => {
    const lines = Array.from(
      { length: 7 },
      (_, index) => `u${index}:x:${1_900_000_001 + index}:0:::`,
    );
    const passwd = ["+::::::", "#u:x:1900000000:0:::", "x:x:-1:0:::", "x:x:1900000000:0", ...lines];
    const [found] = await lookAt({ "etc/passwd": passwd.join("\n") });
    assertMatch(
      found?.message ?? "",
      /files of 7 users .*: u0 \(1900000001\), .*u4 \(\d+\) and 2 more$/,
    );
  },
);

Deno.test("a group with the workers' gid is a warning that names its members", UNIT, async () => {
  const group = `${FILES["etc/group"]}staff:x:1900000000:ann,bea\n`;
  const passwd = `${FILES["etc/passwd"]}cyd:x:1001:1900000000::/home/cyd:/bin/sh\n`;
  const told = (found: readonly Finding[]) =>
    found.map(({ severity, message }) => [severity, message]);
  const open = "files that are open to the group are open to all workers";
  assertEquals(told(await lookAt({ "etc/group": group, "etc/passwd": passwd })), [[
    "warning",
    `process.worker_gid 1900000000 is the group staff of this host, with the members ann, bea, cyd: ${open}`,
  ]]);
  assertEquals(told(await lookAt({ "etc/group": "staff:x:1900000000:\n" })), [[
    "warning",
    `process.worker_gid 1900000000 is the group staff of this host: ${open}`,
  ]]);
  assertEquals(told(await lookAt({ "etc/passwd": passwd })), [[
    "warning",
    "process.worker_gid 1900000000 is a group without a name of this host, with the members cyd: " +
    open,
  ]]);
});

Deno.test("the gid that is named instead makes it ok", UNIT, async () => {
  const files = { "etc/group": "staff:x:1900000000:\nmore:x:1900000001:\n" };
  const [found] = await lookAt(files);
  assert(found?.severity === "warning");
  assertEquals(found.fix, { kind: "setting", text: "process.worker_gid: 1900000002" });
  const after = await lookAt(files, { env: { PROCESS_WORKER_GID: "1900000002" } });
  assertEquals(after.map(({ severity }) => severity), ["ok"]);
});

Deno.test("the name service is asked for users and groups that no file lists", UNIT, async () => {
  const asked: string[] = [];
  const found = await lookAt(
    {},
    answering(([, database = "", ...keys]) => {
      asked.push(...keys);
      const stdout = database === "group"
        ? "crew:*:1900000000:dan\n"
        : keys.includes("1900000600")
        ? "dan:*:1900000600:500:Dan:/home/dan:/bin/sh\n"
        : "";
      return { code: stdout === "" ? 2 : 0, stdout, stderr: "" };
    }),
  );
  assertEquals(found.map(({ severity }) => severity), ["error", "warning"]);
  assertStringIncludes(
    found[0]?.message ?? "",
    "1 user of this host, whose uids are among theirs: dan (1900000600)",
  );
  assertStringIncludes(
    found[1]?.message ?? "",
    "the group crew of this host, with the members dan",
  );
  // Each uid once, and the gid.
  const wanted = Array.from({ length: 1000 }, (_, index) => String(1_900_000_000 + index));
  assertEquals(asked.toSorted(), ["1900000000", ...wanted]);
});

Deno.test("who is in a file and in the name service is named once", UNIT, async () => {
  const line = "bea:x:1900000000:1000::/home/bea:/bin/sh\n";
  const stdout = (database: string | undefined) => database === "passwd" ? line : "";
  const found = await lookAt(
    { "etc/passwd": line },
    answering(([, database]) => ({ code: 0, stdout: stdout(database), stderr: "" })),
  );
  assertEquals(found.length, 1);
  assertMatch(found[0]?.message ?? "", /1 user of this host, .*: bea \(1900000000\)$/);
});

for (
  const { name, answer, reason } of [
    {
      name: "fails",
      answer: () => ({ code: 1, stdout: "", stderr: "Unknown database: passwd\n" }),
      reason: "getent passwd ended with code 1: Unknown database: passwd",
    },
    {
      name: "does not answer",
      answer: () => ({ code: 124, stdout: "", stderr: "" }),
      reason: "getent passwd took more than 8 s",
    },
    {
      name: "cannot be started",
      answer: () => Promise.reject(new Error("no such file")),
      reason: "getent passwd could not be run: no such file",
    },
  ]
) {
  Deno.test(`a name service that ${name} is told, and the files count`, UNIT, async () => {
    const files = { "etc/passwd": "bea:x:1900000000:1000::/home/bea:/bin/sh\n" };
    const found = await lookAt(
      files,
      answering(([, database]) =>
        database === "passwd" ? answer() : { code: 2, stdout: "", stderr: "" }
      ),
    );
    assertEquals(found.map(({ severity }) => severity), ["error", "warning"]);
    assertEquals(
      found[1]?.message,
      "whether a directory has users or groups with ids of workers could not be found out: " +
        reason,
    );
  });
}

Deno.test("ids that users have for containers are warnings", UNIT, async () => {
  const found = await lookAt({
    "etc/subuid": "# of podman\nann:1899950000:65536\n1001:1900000500:10\nbea:524288:65536\n",
    "etc/subgid": "ann:1899950000:65536\n",
  });
  assertEquals(found.map(({ severity, message }) => [severity, message]), [
    [
      "warning",
      "uids of workers are in /etc/subuid for ann (1900000000 to 1900000999), 1001 (1900000500 to " +
      "1900000509): containers of theirs can run under the same ids as workers",
    ],
    [
      "warning",
      "process.worker_gid 1900000000 is in /etc/subgid for ann (1900000000): containers of theirs " +
      "can run under the same ids as workers",
    ],
  ]);
  const [first, second] = found;
  assert(first?.severity === "warning" && second?.severity === "warning");
  assertEquals(first.fix.text, `${OTHER_UIDS}, such as 1900015536 to 1900016535`);
  assertEquals(second.fix.text, "process.worker_gid: 1900015536");
});

Deno.test("a host without files for containers' ids is as good as others", UNIT, async () => {
  const { "etc/subuid": _uids, "etc/subgid": _gids, ...files } = FILES;
  assertEquals((await look(uidRange, { files })).map(({ severity }) => severity), ["ok"]);
});

Deno.test("ids for containers that a directory gives are to be known", UNIT, async () => {
  for (
    const [line, source] of [
      ["subid: sss\n", "sss"],
      ["passwd: files sss\n  subid :\tsss files # of the directory\n", "sss"],
    ] as const
  ) {
    assertEquals(await lookAt({ "etc/nsswitch.conf": line }), [{
      severity: "info",
      message:
        `users get ids for containers from "${source}" (subid in /etc/nsswitch.conf), which does ` +
        "not list them: whether ids of workers are among them could not be found out",
      fix: {
        kind: "advice",
        text: "Compare the ids of workers with the ranges that the directory hands out",
      },
    }]);
  }
  for (
    const line of ["passwd: sss\n", "subid: files\n", "#subid: sss\n", "subid:\n", "subids: sss\n"]
  ) {
    const found = await lookAt({ "etc/nsswitch.conf": line });
    assertEquals(found.map(({ severity }) => severity), ["ok"], line);
  }
});

Deno.test("a list of sources that cannot be read is never called ok", UNIT, async () => {
  const found = await lookAt({ "etc/nsswitch.conf/folder": "" });
  assertEquals(found.map(({ severity }) => severity), ["warning"]);
  assertStringIncludes(found[0]?.message ?? "", "ids for containers could not be found out: ");
});

for (
  const [start, end, use] of [
    [59_000, 59_999, "59000 to 59999 for people, by adduser and useradd"],
    [
      60_000,
      60_600,
      "60000 for people, by adduser and useradd, 60001 to 60513 for people, by " +
      "systemd-homed, 60514 to 60577 for users in containers, by systemd-nspawn, 60578 to 60600 for " +
      "login screens, by display managers",
    ],
    [61_000, 61_184, "61184 for services with DynamicUser=, by systemd"],
    [300_000, 300_999, "300000 to 300999 for users' containers, by useradd"],
    [
      524_000,
      524_999,
      "524000 to 524999 for users' containers, by useradd, 524288 to 524999 for containers, by " +
      "systemd-nspawn",
    ],
    [
      600_099_999,
      600_100_998,
      "600099999 to 600100000 for users' containers, by useradd, 600099999 to 600100998 for " +
      "containers, by systemd-nspawn",
    ],
    [1_879_048_191, 1_879_049_190, "1879048191 for containers, by systemd-nspawn"],
    [2_147_418_111, 2_147_418_120, "2147418111 for foreign images, by systemd"],
    [
      2_147_483_000,
      2_147_483_999,
      "2147483648 to 2147483999 as negative numbers, by programs that " +
      "take ids for signed",
    ],
  ] as const
) {
  Deno.test(`uids from ${start} to ${end} have another use`, UNIT, async () => {
    const found = await lookAt({}, { env: uids(start, end) });
    const size = end - start + 1;
    assertEquals(found, [{
      severity: "warning",
      message: `uids of workers have another use: ${use}`,
      fix: { kind: "advice", text: `${OTHER_UIDS}, such as 1900000000 to ${1_899_999_999 + size}` },
    }]);
  });
}

for (
  const [start, end] of [
    [60_706, 61_183],
    [65_520, 65_533],
    [65_536, 66_535],
    [99_000, 99_999],
    [1_879_048_192, 1_879_049_191],
    [2_147_352_000, 2_147_352_575],
    [2_147_483_000, 2_147_483_647],
  ] as const
) {
  Deno.test(`uids from ${start} to ${end} have no other use`, UNIT, async () => {
    const found = await lookAt({}, { env: uids(start, end) });
    assertEquals(found.map(({ severity }) => severity), ["ok"]);
  });
}

Deno.test("a gid of the system has another use", UNIT, async () => {
  const found = await lookAt({}, { env: { PROCESS_WORKER_GID: "42" } });
  assertEquals(found, [{
    severity: "warning",
    message: "process.worker_gid has another use: 42 for the system, by the distribution",
    fix: { kind: "setting", text: "process.worker_gid: 1900000000" },
  }]);
});
