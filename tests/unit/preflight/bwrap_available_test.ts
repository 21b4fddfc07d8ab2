import { bwrapAvailable } from "#src/preflight/bwrap_available.ts";
import type { Finding } from "#src/preflight/finding.ts";
import type { PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { fakeHost } from "./fake_host.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** How bwrap treats the trial's mount. */
type Behaviour = "closed" | "open" | "broken" | "hanging";

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
      if (behaviour === "broken") return program(1, "", "bwrap: No permissions");
      if (!line.includes("/app/data/m")) return program(0);
      if (behaviour === "hanging") return program(124);
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
    { what: "hangs", version: program(124), says: /did not end in time/ },
  ]
) {
  Deno.test(`a bwrap that ${what} is an error`, UNIT, async () => {
    const findings = await look({ version });
    deepStrictEqual(severities(findings), ["error"]);
    match(findings[0]?.message ?? "", says);
  });
}

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

Deno.test(
  "a bwrap that makes a folder on the host is a warning, whatever its version",
  UNIT,
  async () => {
    const findings = await look({ behaviour: "open" });
    deepStrictEqual(severities(findings), ["warning"]);
    match(findings[0]?.message ?? "", /CVE-2026-87766/);
  },
);

for (const behaviour of ["broken", "hanging"] as const) {
  Deno.test(`a trial with a ${behaviour} bwrap is not taken for a closed hole`, UNIT, async () => {
    const findings = await look({ behaviour });
    deepStrictEqual(severities(findings), ["warning"]);
    match(findings[0]?.message ?? "", /could not be tried/);
  });
}

Deno.test("a bwrap with the set-user-id bit is a warning", UNIT, async () => {
  const findings = await look({ mode: 0o4755 });
  deepStrictEqual(severities(findings), ["warning"]);
  match(findings[0]?.message ?? "", /owner's uid/);
});
