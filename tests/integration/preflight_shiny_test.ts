/** Loading shiny with real installations of R, in sandboxes as workers get them. */
import { loadConfig } from "#src/config/mod.ts";
import type { Finding } from "#src/preflight/mod.ts";
import { shinyPackage } from "#src/preflight/shiny_package.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { installFakeR, installR } from "#tests/support/r_installation.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({
  root: true,
  files: ["/usr/bin/bwrap", "/usr/lib/R/bin/R", "/usr/lib/R/site-library/shiny"],
});
const START = 1_936_000_000;
const EXAMPLE = "/usr/lib/R/site-library/shiny/examples/01_hello";

async function look(
  { rPath = "R", rigBase, apps = {} }: {
    rPath?: string;
    rigBase: string;
    apps?: Readonly<Record<string, unknown>>;
  },
): Promise<readonly Finding[]> {
  const config = loadConfig({
    path: "/nonexistent/blockyard.yaml",
    readFile: () => JSON.stringify({ apps }),
    env: {
      BLOCKYARD_PROCESS_R_PATH: rPath,
      BLOCKYARD_PROCESS_RIG_BASE: rigBase,
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(START),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(START + 9),
      BLOCKYARD_PROCESS_WORKER_GID: String(START),
      BLOCKYARD_PROXY_MAX_WORKERS: "1",
    },
    isRoot: true,
  });
  await using opened = openPreflightHost(config, { configPath: undefined });
  return [await shinyPackage.run(opened.host)].flat();
}

Deno.test("the system's R loads shiny, and is asked once by whatever name", root, async () => {
  await using folder = await tempFolder();
  await Deno.mkdir(`${folder.path}/4.2.2/bin`, { recursive: true });
  await Deno.symlink("/usr/bin/R", `${folder.path}/4.2.2/bin/R`);
  const findings = await look({ rigBase: folder.path, apps: { hello: { path: EXAMPLE } } });
  assertEquals(findings.map(({ severity }) => severity), ["ok"]);
  assertMatch(
    findings[0]?.message ?? "",
    /^R \d+\.\d+\.\d+ at \/usr\/bin\/R loads shiny \d+\.\d+[.\d]* in a sandbox$/,
  );
});

Deno.test("every R is told by whether workers get shiny from it", root, async () => {
  await using folder = await tempFolder();
  const rigBase = folder.path;
  await installR(`${rigBase}/90.1.1`, "the system's");
  await installR(`${rigBase}/90.1.2`, "none");
  await installR(`${rigBase}/90.1.3`, "shiny alone");
  // Root would find it there.
  await installR(`${rigBase}/90.1.4`, "shiny alone");
  await Deno.chmod(`${rigBase}/90.1.4/lib/R/site-library`, 0o700);
  await installFakeR(`${rigBase}/90.1.5`, { script: "echo broken >&2; exit 3", version: "90.1.5" });
  await installR(`${rigBase}/90.1.6`, "none");
  await folder.folder("elsewhere");
  await Deno.symlink("/usr/lib/R/site-library/shiny", `${rigBase}/elsewhere/shiny`);
  await Deno.symlink(`${rigBase}/elsewhere`, `${rigBase}/90.1.6/lib/R/site-library`);
  const apps = {
    loads: { path: EXAMPLE, r_version: "90.1.1" },
    misses: { path: EXAMPLE, r_version: "90.1.2" },
    fails: { path: EXAMPLE, r_version: "90.1.3" },
    other: { path: EXAMPLE, r_version: "90.1.4", cmd: ["R", "-e", "1"] },
  };
  const findings = await look({ rPath: "/nonexistent/R", rigBase, apps });
  const at = (name: string) => `at ${rigBase}/${name}/bin/R`;
  const said = findings.map(({ severity, message }) =>
    `${severity}: ${message.replaceAll(/(?<=R )\d+\.\d+\.\d+(?= at)|(?<=shiny )\d[.\d]*/g, "V")}`
  );
  assertEquals(said, [
    "warning: whether /nonexistent/R can load shiny could not be tried: it is no program",
    `ok: R V ${at("90.1.1")} loads shiny V in a sandbox`,
    `warning: R V ${at("90.1.2")} has no shiny, and the Shiny app "misses" would run on it`,
    `warning: R V ${at("90.1.3")} has shiny and cannot load it in a sandbox: there is no package ` +
    'called ‘R6’, and the Shiny app "fails" would run on it',
    `warning: R V ${at("90.1.4")} has no shiny`,
    `warning: whether R V ${at("90.1.5")} can load shiny could not be tried: R ended with exit ` +
    "code 3: broken",
    `warning: R V ${at("90.1.6")} has shiny in ${rigBase}/elsewhere, which no sandbox shows`,
  ]);
  for (const finding of findings) {
    assert(finding.severity === "ok" || finding.fix.kind === "advice", finding.message);
  }

  for (const name of ["90.1.2", "90.1.3", "90.1.6"]) {
    await Deno.remove(`${rigBase}/${name}`, { recursive: true });
    await installR(`${rigBase}/${name}`, "the system's");
  }
  const repaired = await look({ rPath: `${rigBase}/90.1.2/bin/R`, rigBase, apps });
  assertEquals(repaired.map(({ severity }) => severity), [
    "ok",
    "ok",
    "ok",
    "warning",
    "warning",
    "ok",
  ]);
});
