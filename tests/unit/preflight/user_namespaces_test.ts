import type { Finding } from "#src/preflight/finding.ts";
import type { PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import { readUsernsKnobs } from "#src/preflight/userns_knobs.ts";
import { findUsernsRoom } from "#src/preflight/userns_room.ts";
import { userNamespaces } from "#src/preflight/user_namespaces.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fakeHost } from "./fake_host.ts";
import { configOf } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const WORKS: ProgramResult = { code: 0, stdout: "", stderr: "" };
const REFUSED: ProgramResult = {
  code: 1,
  stdout: "",
  stderr: "bwrap: No permissions to create a new namespace\n",
};
const CLONE = "proc/sys/kernel/unprivileged_userns_clone";
const LIMIT = "proc/sys/user/max_user_namespaces";
const RESTRICT = "proc/sys/kernel/apparmor_restrict_unprivileged_userns";
const APPARMOR = "sys/module/apparmor/parameters/enabled";

/** Looks at a host whose kernel shows these files. */
async function look(
  files: Readonly<Record<string, string>>,
  { attempt, canDisable = () => Promise.resolve(true), hasSysctl = true, mode = 0o755 }: {
    attempt: ProgramResult;
    mode?: number;
    canDisable?: () => Promise<boolean>;
    hasSysctl?: boolean;
  },
): Promise<readonly Finding[]> {
  const root = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${name.slice(0, name.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${root}/${name}`, text);
    }
    const bwrap = `${root}/bwrap`;
    await Deno.writeTextFile(bwrap, "");
    await Deno.chmod(bwrap, mode);
    const runProgram: PreflightHost["runProgram"] = (line, options) => {
      deepStrictEqual([line[0], line[1], options?.asWorker], [bwrap, "--unshare-user", true]);
      return Promise.resolve(attempt);
    };
    const { sandboxes } = fakeHost();
    const found = await userNamespaces.run(fakeHost({
      roots: { proc: `${root}/proc`, etc: `${root}/etc`, sys: `${root}/sys` },
      findProgram: (name) => Promise.resolve(name === "sysctl" && !hasSysctl ? undefined : bwrap),
      sandboxes: { ...sandboxes, canDisableUserns: canDisable },
      runProgram,
    }));
    return "severity" in found ? [found] : found;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const fixOf = (finding: Finding | undefined) =>
  finding === undefined || finding.severity === "ok" ? undefined : finding.fix;

for (
  const { files, name, fix } of [
    {
      files: { [CLONE]: "0\n", [LIMIT]: "15000\n" },
      name: "kernel.unprivileged_userns_clone is 0",
      fix: { kind: "command", text: "sysctl -w kernel.unprivileged_userns_clone=1" },
    },
    {
      files: { [CLONE]: "1\n", [LIMIT]: "0\n" },
      name: "user.max_user_namespaces is 0",
      fix: { kind: "command", text: "sysctl -w user.max_user_namespaces=15000" },
    },
    {
      files: { [LIMIT]: "15000\n", [RESTRICT]: "1\n", [APPARMOR]: "Y\n" },
      name: "kernel.apparmor_restrict_unprivileged_userns is 1",
      fix: {
        kind: "advice",
        text:
          'Load the AppArmor profile that the command "apparmor" of the executable prints, and ' +
          "start that executable by its path",
      },
    },
  ]
) {
  Deno.test(
    `a refused attempt where ${name} is an error with what helps`,
    UNIT,
    async () => {
      deepStrictEqual(await look(files, { attempt: REFUSED }), [{
        severity: "error",
        message: `bwrap gets no user namespace, and ${name}`,
        fix,
      }]);
    },
  );
}

Deno.test(
  "where the executable is known, its profile can be loaded by copying a line",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    await folder.write(RESTRICT, "1\n");
    await folder.write(APPARMOR, "Y\n");
    const roots = { proc: `${folder.path}/proc`, etc: "/etc", sys: `${folder.path}/sys` };
    const knobs = await readUsernsKnobs(roots, {
      hasSysctl: true,
      executable: "/opt/my apps/blockyard",
    });
    deepStrictEqual(knobs, [{
      name: "kernel.apparmor_restrict_unprivileged_userns",
      value: "1",
      fix: {
        kind: "advice",
        text:
          "Load the AppArmor profile of this executable, as root: '/opt/my apps/blockyard' apparmor " +
          "> /etc/apparmor.d/blockyard && apparmor_parser -r /etc/apparmor.d/blockyard",
      },
    }]);
  },
);

Deno.test("without sysctl the line writes the setting itself", UNIT, async () => {
  const [finding] = await look({ [LIMIT]: "0\n" }, { attempt: REFUSED, hasSysctl: false });
  strictEqual(fixOf(finding)?.text, "echo 15000 > /proc/sys/user/max_user_namespaces");
});

Deno.test("a refused attempt that no setting explains says what bwrap said", UNIT, async () => {
  const files = { [LIMIT]: "15000\n", [RESTRICT]: "1\n", [APPARMOR]: "N\n" };
  const [finding, ...more] = await look(files, { attempt: REFUSED });
  strictEqual(finding?.severity, "error");
  match(finding.message, /code 1 \(bwrap: No permissions to create a new namespace\)/);
  strictEqual(fixOf(finding)?.kind, "advice");
  strictEqual(more.length, 0);
});

for (
  const { what, attempt, mode, says } of [
    {
      what: "hangs",
      attempt: { code: 124, stdout: "", stderr: "" },
      mode: 0o755,
      says: /bwrap: it did not end in time$/,
    },
    {
      what: "workers cannot execute",
      attempt: {
        code: 126,
        stdout: "",
        stderr: "bwrap-exec: cannot execute the program: EACCES\n",
      },
      mode: 0o755,
      says: /bwrap: cannot execute the program: EACCES$/,
    },
    {
      what: "refuses to run with the set-user-id bit",
      attempt: { code: 1, stdout: "", stderr: "bwrap: setuid use is not supported\n" },
      mode: 0o4755,
      says: /bwrap, which has the set-user-id bit: it ended with code 1 \(bwrap: setuid use is not/,
    },
  ]
) {
  // The setting is in the way as well, for all that is known.
  Deno.test(`a bwrap that ${what} says nothing about user namespaces`, UNIT, async () => {
    const found = await look({ [LIMIT]: "0\n" }, { attempt, mode });
    deepStrictEqual(found.map(({ severity }) => severity), ["warning"]);
    match(found[0]?.message ?? "", /^user namespaces could not be tried with \//);
    match(found[0]?.message ?? "", says);
  });
}

Deno.test("a setting that cannot be read matters only where the attempt failed", UNIT, async () => {
  // A folder is in its place.
  const files = { [`${LIMIT}/x`]: "" };
  deepStrictEqual(await look(files, { attempt: WORKS }), [{
    severity: "ok",
    message: "bwrap makes user namespaces",
  }]);
  const [finding, ...more] = await look(files, { attempt: REFUSED });
  deepStrictEqual([finding?.severity, more], ["error", []]);
  match(
    finding?.message ?? "",
    /No permissions .*; which setting of the kernel .* not be found out/,
  );
});

Deno.test(
  "a restriction of AppArmor that a profile lifts for us is not in the way",
  UNIT,
  async () => {
    const files = { [LIMIT]: "15000\n", [RESTRICT]: "1\n", [APPARMOR]: "Y\n" };
    deepStrictEqual(await look(files, { attempt: WORKS }), [{
      severity: "ok",
      message:
        "bwrap makes user namespaces, although kernel.apparmor_restrict_unprivileged_userns is 1",
    }]);
  },
);

Deno.test("every setting that may be in the way is told with what helps", UNIT, async () => {
  const files = { [CLONE]: "0\n", [LIMIT]: "0\n", [RESTRICT]: "1\n", [APPARMOR]: "Y\n" };
  const found = await look(files, { attempt: REFUSED });
  deepStrictEqual(found.map(({ severity }) => severity), ["error", "error", "error"]);
  deepStrictEqual(found.map((finding) => fixOf(finding)?.kind), ["command", "command", "advice"]);
});

Deno.test("a user with too few namespaces for all workers is warned", UNIT, async () => {
  const asked = async (limit: string, isRoot: boolean) => {
    await using folder = await tempFolder();
    await folder.write(LIMIT, limit);
    const { identity, roots } = fakeHost();
    const found = await findUsernsRoom(fakeHost({
      roots: { ...roots, proc: `${folder.path}/proc` },
      identity: { ...identity, isRoot },
      config: configOf({ env: { PROXY_MAX_WORKERS: "1000" } }),
    }));
    return found.map((finding) => [finding.message, fixOf(finding)?.text]);
  };
  const needed = "2000 are needed for the 1000 workers of proxy.max_workers";
  const line = (value: number) => `echo ${value} > /proc/sys/user/max_user_namespaces`;
  deepStrictEqual(await asked("1999\n", false), [
    [`user.max_user_namespaces is 1999, and ${needed}`, line(15_000)],
  ]);
  deepStrictEqual(await asked("2000\n", false), []);
  // Each worker of root's is another user.
  deepStrictEqual(await asked("2\n", true), []);
  deepStrictEqual(await asked("1\n", true), [
    ["user.max_user_namespaces is 1, and 2 are needed for a worker", line(15_000)],
  ]);
  deepStrictEqual(await asked("many\n", false), [[
    'user.max_user_namespaces is "many", want a number',
    "Repair what the message names and run the preflight again",
  ]]);
});

Deno.test("a limit that a user cannot read is no good news", UNIT, async () => {
  await using folder = await tempFolder();
  await folder.folder(LIMIT);
  const { identity, roots } = fakeHost();
  const proc = `${folder.path}/proc`;
  const host = { roots: { ...roots, proc }, identity: { ...identity, isRoot: false } };
  const [found, ...more] = await findUsernsRoom(fakeHost(host));
  deepStrictEqual([found?.severity, more], ["warning", []]);
  match(found?.message ?? "", /^how many user namespaces a user may have could not be found out: /);
});

Deno.test("an attempt that cannot be begun says nothing", UNIT, async () => {
  const host = fakeHost({ findProgram: () => Promise.resolve("/bwrap") });
  const found = [await userNamespaces.run(host)].flat();
  deepStrictEqual(found.map(({ severity, message }) => [severity, message]), [[
    "warning",
    "whether a worker gets user namespaces could not be found out: this host runs nothing",
  ]]);
});

Deno.test("an attempt that works is ok, and names a setting that looks bad", UNIT, async () => {
  deepStrictEqual(await look({ [LIMIT]: "0\n" }, { attempt: WORKS }), [{
    severity: "ok",
    message: "bwrap makes user namespaces, although user.max_user_namespaces is 0",
  }]);
});

Deno.test("further user namespaces that cannot be forbidden are a warning", UNIT, async () => {
  const canDisable = () => Promise.resolve(false);
  const found = await look({}, { attempt: WORKS, canDisable });
  deepStrictEqual(found.map(({ severity }) => severity), ["ok", "warning"]);
});

Deno.test("a failure to find out about further user namespaces is a warning", UNIT, async () => {
  const canDisable = () => Promise.reject(new Error("no launcher"));
  const found = await look({}, { attempt: WORKS, canDisable });
  deepStrictEqual(found.map(({ severity }) => severity), ["ok", "warning"]);
  match(found[1]?.message ?? "", /could not be tried: no launcher/);
});

Deno.test("without bwrap nothing was tried", UNIT, async () => {
  const found = await userNamespaces.run(fakeHost());
  strictEqual("severity" in found && found.severity, "warning");
});
