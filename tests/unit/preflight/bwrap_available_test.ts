import { bwrapAvailable } from "#src/preflight/bwrap_available.ts";
import type { Finding } from "#src/preflight/finding.ts";
import type { PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fakeHost } from "./fake_host.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** How bwrap treats the trial's mount. */
type Behaviour = "closed" | "open" | "broken" | "hanging" | "late" | "killed" | "kept";

/** How it ends that makes no sandbox at all. */
const ENDINGS: Partial<Record<Behaviour, ProgramResult>> = {
  broken: program(1, "", "bwrap: No permissions\n"),
  hanging: program(124),
  killed: program(139),
  kept: program(126, "", "bwrap-exec: cannot execute the program: execve failed: EACCES\n"),
};

function program(code: number, stdout = "", stderr = ""): ProgramResult {
  return { code, stdout, stderr };
}

/** Looks at a host whose bwrap is a file of the test's. */
async function look(
  { version = program(0, "bubblewrap 0.12.0\n"), mode = 0o755, behaviour = "closed" }: {
    version?: ProgramResult;
    mode?: number;
    behaviour?: Behaviour;
  },
): Promise<readonly Finding[]> {
  const path = await Deno.makeTempFile();
  const scratch: string[] = [];
  try {
    await Deno.chmod(path, mode);
    const runProgram: PreflightHost["runProgram"] = async (line, options) => {
      if (line[1] === "--version") return version;
      strictEqual(options?.asWorker, true);
      const bundle = line[line.indexOf("/app") - 1] ?? "";
      scratch.push(bundle);
      const ending = ENDINGS[behaviour];
      if (ending !== undefined) return ending;
      if (!line.includes("/app/data/m")) return program(0);
      if (behaviour === "late") return program(124);
      if (behaviour === "closed") return program(1, "", "Too many levels of symbolic links");
      const link = await Deno.readLink(`${bundle}/data`);
      await Deno.mkdir(`${link.replace(/^\/oldroot/, "")}/m`);
      return program(0);
    };
    const host = fakeHost({ findProgram: () => Promise.resolve(path), runProgram });
    const found = await bwrapAvailable.run(host);
    for (const folder of scratch) strictEqual(await isThere(folder), false);
    return "severity" in found ? [found] : found;
  } finally {
    await Deno.remove(path);
  }
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

const severities = (findings: readonly Finding[]) => findings.map(({ severity }) => severity);

Deno.test(
  "a bwrap that is not installed is an error with the line that installs it",
  UNIT,
  async () => {
    deepStrictEqual(await bwrapAvailable.run(fakeHost()), {
      severity: "error",
      message: "bwrap is not in PATH",
      fix: { kind: "advice", text: "Install bubblewrap (on Debian: apt-get install bubblewrap)" },
    });
  },
);

Deno.test("a new bwrap that refuses the link is ok and named with its version", UNIT, async () => {
  const [finding, ...more] = await look({});
  strictEqual(finding?.severity, "ok");
  match(finding.message, /is bubblewrap 0\.12\.0 /);
  strictEqual(more.length, 0);
});

for (
  const { what, version, says } of [
    { what: "is too old", version: program(0, "bubblewrap 0.6.3\n"), says: /0\.6\.3.*0\.7\.0/ },
    { what: "prints something else", version: program(0, "hello 1.0"), says: /hello 1\.0/ },
    { what: "crashes", version: program(139), says: /code 139/ },
  ]
) {
  Deno.test(`a bwrap that ${what} is an error`, UNIT, async () => {
    const findings = await look({ version });
    deepStrictEqual(severities(findings), ["error"]);
    match(findings[0]?.message ?? "", says);
  });
}

Deno.test(
  "a bwrap that may only be slow is a warning, since others make sandboxes",
  UNIT,
  async () => {
    const findings = await look({ version: program(124) });
    deepStrictEqual(severities(findings), ["warning"]);
    match(findings[0]?.message ?? "", /could not be found out: it did not end in time$/);
  },
);

Deno.test("a bwrap that cannot be executed is an error with the reason", UNIT, async () => {
  const host = fakeHost({ findProgram: () => Promise.resolve("/usr/bin/bwrap") });
  const found = await bwrapAvailable.run(host);
  deepStrictEqual("severity" in found && [found.severity, found.message], [
    "error",
    "/usr/bin/bwrap cannot be run: this host runs nothing",
  ]);
});

Deno.test("0.10.0 is newer than 0.7.0", UNIT, async () => {
  const version = program(0, "bubblewrap 0.10.0\n");
  deepStrictEqual(severities(await look({ version })), ["ok"]);
});

const fixes = (findings: readonly Finding[]) =>
  findings.map((finding) => finding.severity === "ok" ? undefined : finding.fix.text);

for (const old of ["0.8.0", "0.11.2"]) {
  Deno.test(`a bwrap ${old} that makes a folder on the host is to be updated`, UNIT, async () => {
    const version = program(0, `bubblewrap ${old}\n`);
    const findings = await look({ version, behaviour: "open" });
    deepStrictEqual(severities(findings), ["warning"]);
    match(findings[0]?.message ?? "", /on the host \(CVE-2026-87766\); blockyard mounts nothing/);
    match(fixes(findings)[0] ?? "", /^Update bubblewrap to 0\.12\.0 or to a package/);
  });

  Deno.test(`a bwrap ${old} that its distribution has repaired is ok`, UNIT, async () => {
    const version = program(0, `bubblewrap ${old}\n`);
    deepStrictEqual(severities(await look({ version })), ["ok"]);
  });
}

Deno.test(
  "a bwrap that has the hole in spite of its version is to be replaced, not updated",
  UNIT,
  async () => {
    const findings = await look({ behaviour: "open" });
    deepStrictEqual(severities(findings), ["warning"]);
    match(findings[0]?.message ?? "", /\(CVE-2026-87766\), although 0\.12\.0 does not; /);
    deepStrictEqual(fixes(findings), ["Set process.bwrap_path to an unchanged bubblewrap"]);
  },
);

for (
  const { behaviour, version, says } of [
    {
      behaviour: "broken",
      version: "0.8.0",
      says: /unless the distribution repaired it, could not/,
    },
    { behaviour: "broken", version: "0.12.0", says: /CVE-2026-87766 could not be tried: it ended/ },
    { behaviour: "late", version: "0.12.0", says: /could not be tried: it did not end in time/ },
    { behaviour: "killed", version: "0.12.0", says: /could not be tried: signal 11 ended it/ },
  ] as const
) {
  Deno.test(
    `a trial with a ${behaviour} bwrap ${version} is not taken for a closed hole`,
    UNIT,
    async () => {
      const found = await look({ version: program(0, `bubblewrap ${version}\n`), behaviour });
      deepStrictEqual(severities(found), ["warning"]);
      match(found[0]?.message ?? "", says);
    },
  );
}

Deno.test("a bwrap that hangs instead of making a sandbox is an error", UNIT, async () => {
  const findings = await look({ behaviour: "hanging" });
  deepStrictEqual(severities(findings), ["error"]);
  match(findings[0]?.message ?? "", /makes no sandbox: it did not end in time \(0\.12\.0\)$/);
});

Deno.test("a bwrap that workers cannot execute is an error that says so", UNIT, async () => {
  const findings = await look({ behaviour: "kept" });
  deepStrictEqual(severities(findings), ["error"]);
  match(findings[0]?.message ?? "", /^workers cannot execute .*: execve failed: EACCES/);
  match(fixes(findings)[0] ?? "", /^Let everybody execute it/);
});

Deno.test("a bwrap with the set-user-id bit that makes no sandbox is an error", UNIT, async () => {
  const findings = await look({ mode: 0o4755, behaviour: "broken" });
  deepStrictEqual(severities(findings), ["error"]);
  match(findings[0]?.message ?? "", /has the set-user-id bit and makes no sandbox for workers: it/);
  match(fixes(findings)[0] ?? "", /^chmod u-s \//);
});

Deno.test("a set-user-id bit that does not count is a warning all the same", UNIT, async () => {
  const findings = await look({ mode: 0o4755 });
  deepStrictEqual(severities(findings), ["warning"]);
  match(findings[0]?.message ?? "", /may run with its owner's uid for every user/);
  match(fixes(findings)[0] ?? "", /^chmod u-s \//);
});

for (const version of ["0.10.0", "0.11.0", "0.11.1", "0.11.2"]) {
  const isTold = version === "0.11.0" || version === "0.11.1";
  const name = `a bwrap ${version} with the bit ${
    isTold ? "is" : "is not"
  } said to make users root`;
  Deno.test(name, UNIT, async () => {
    const findings = await look({ version: program(0, `bubblewrap ${version}\n`), mode: 0o4755 });
    strictEqual((findings[0]?.message ?? "").includes("CVE-2026-41163"), isTold);
  });
}

Deno.test(
  "a trial that cannot be begun, or a file that is gone, is no good news",
  UNIT,
  async () => {
    const host = fakeHost({
      findProgram: () => Promise.resolve("/nonexistent/bwrap"),
      runProgram: () => Promise.resolve(program(0, "bubblewrap 0.12.0\n")),
      inScratchFolder: () => Promise.reject(new Error("the disk is full")),
    });
    const found = [await bwrapAvailable.run(host)].flat();
    deepStrictEqual(severities(found), ["warning", "warning"]);
    match(found[0]?.message ?? "", /has CVE-2026-87766 could not be found out: the disk is full/);
    match(
      found[1]?.message ?? "",
      /runs with its owner's uid could not be found out: No such file/,
    );
  },
);
