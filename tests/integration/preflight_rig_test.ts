/** The versions of R below a base, really run, as workers would have to run them. */
import { loadConfig } from "#src/config/mod.ts";
import type { Finding } from "#src/preflight/mod.ts";
import { rigVersions } from "#src/preflight/rig_versions.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { installFakeR, installR, writeProgram } from "#tests/support/r_installation.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/lib/R/bin/R"] });
const START = 1_935_000_000;

/** The version of the system's R, of which the installations are made. */
async function systemVersion(): Promise<string> {
  const text = await Deno.readTextFile("/usr/lib/R/library/base/DESCRIPTION");
  return /^Version: (\S+)$/m.exec(text)?.[1] ?? "";
}

async function look(
  base: string,
  apps: Readonly<Record<string, string>> = {},
): Promise<readonly Finding[]> {
  const entries = Object.entries(apps).map(([name, version]) => [
    name,
    { path: "/nonexistent", r_version: version },
  ]);
  const config = loadConfig({
    path: "/nonexistent/blockyard.yaml",
    readFile: () => JSON.stringify({ apps: Object.fromEntries(entries) }),
    env: {
      BLOCKYARD_PROCESS_RIG_BASE: base,
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(START),
      BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(START + 9),
      BLOCKYARD_PROCESS_WORKER_GID: String(START),
      BLOCKYARD_PROXY_MAX_WORKERS: "1",
    },
    isRoot: true,
  });
  await using opened = openPreflightHost(config, { configPath: undefined });
  return [await rigVersions.run(opened.host)].flat();
}

const brief = (findings: readonly Finding[]) =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);

Deno.test("real versions work, and each app gets the one that it asks for", root, async () => {
  await using folder = await tempFolder();
  const version = await systemVersion();
  const [major = "", minor = ""] = version.split(".");
  const line = `${major}.${minor}`;
  for (const name of [version, line, `${version}-x86_64`]) {
    await installR(`${folder.path}/${name}`, "none");
  }
  await Deno.symlink(version, `${folder.path}/current`);
  assertEquals(brief(await look(folder.path, { a: line, b: version, c: major })), [
    `ok: of the versions in ${folder.path} these work: ${line}, ${version}, ${version}-x86_64`,
  ]);
});

Deno.test("versions that are of no use are told with the reason", root, async () => {
  await using folder = await tempFolder();
  const base = folder.path;
  const version = await systemVersion();
  await installR(`${base}/${version}`, "none");
  await installR(`${base}/90.1.1`, "none");
  const fakes = {
    "90.1.2": "exec sleep 60",
    "90.1.3": "echo 'no libR.so' >&2; exit 3",
    "90.1.4": "echo 'GNU bash, version 5.2.15'",
    "90.1.5": "echo 'R version 90.1.5 (2090-01-01)'",
  };
  for (const [name, script] of Object.entries(fakes)) {
    await installFakeR(`${base}/${name}`, { script, version: name });
  }
  // Root could run it.
  await Deno.chmod(`${base}/90.1.5`, 0o700);
  await folder.folder("90.1.6/bin");
  await writeProgram(`${base}/90.1.7/bin/R`, "#!/nonexistent/interpreter\n");
  const wrapper = await writeProgram(
    `${base}/${version}-wrapped/bin/R`,
    '#!/bin/sh\nexec /usr/bin/R "$@"\n',
  );
  await writeProgram(`${base}/devel/bin/R`, "#!/bin/sh\nexit 1\n");
  const refused = "bwrap-exec: cannot execute the program: execve";
  assertEquals(brief(await look(base, { a: version })), [
    `ok: of the versions in ${base} these work: ${version}`,
    `warning: ${wrapper} is broken: cannot use ${wrapper} as R: ` +
    "want PREFIX/bin/R with PREFIX/lib/R or PREFIX/lib64/R beside it",
    `warning: ${base}/90.1.1/bin/R is broken: it is R ${version}`,
    `warning: ${base}/90.1.2/bin/R is broken: it did not print its version within 5 s`,
    `warning: ${base}/90.1.3/bin/R is broken: it ended with exit code 3: no libR.so`,
    `warning: ${base}/90.1.4/bin/R is broken: what it prints is not the version of an R`,
    `warning: ${base}/90.1.5/bin/R is broken: it ended with exit code 126: ${refused}` +
    `(${base}/90.1.5/bin/R) failed: EACCES`,
    `warning: ${base}/90.1.6 is broken: it has no bin/R that can be executed`,
    `warning: ${base}/90.1.7/bin/R is broken: it ended with exit code 126: ${refused}` +
    `(${base}/90.1.7/bin/R) failed: ENOENT`,
  ]);
});

Deno.test("what an app would get decides, and so does repairing it", root, async () => {
  await using folder = await tempFolder();
  const base = folder.path;
  const version = await systemVersion();
  const program = await installFakeR(`${base}/90.1.2`, { script: "exit 1", version: "90.1.2" });
  const apps = { first: "90.1", second: "90.1.7", third: version };
  const [broken, ...rest] = await look(base, apps);
  assertEquals([broken, rest], [{
    severity: "warning",
    message: `${program} is broken: it ended with exit code 1; ` +
      'the apps "first" and "second" would run on it',
    fix: { kind: "advice", text: `Install R 90.1.2 there again, or remove ${base}/90.1.2` },
  }, []]);

  await Deno.remove(`${base}/90.1.2`, { recursive: true });
  const nothing = (wanted: string) =>
    `cannot serve R ${wanted}: no version of R is installed in ${base}, and /usr/bin/R is R ${version}`;
  assertEquals(brief(await look(base, apps)), [
    `warning: the app "first" cannot run: ${nothing("90.1")}`,
    `warning: the app "second" cannot run: ${nothing("90.1.7")}`,
  ]);

  await installFakeR(`${base}/90.1.2`, {
    script: "echo 'R version 90.1.2 (2090-01-01)'",
    version: "90.1.2",
  });
  assertEquals(brief(await look(base, apps)), [
    `ok: of the versions in ${base} these work: 90.1.2`,
  ]);
});

Deno.test(
  "the configured R serves its own version where nothing else is installed",
  root,
  async () => {
    await using folder = await tempFolder();
    const version = await systemVersion();
    assertEquals(brief(await look(`${folder.path}/none`, { a: version })), [
      `ok: no version of R is installed in ${folder.path}/none, and the configured R serves the apps ` +
      `that ask for ${version}`,
    ]);
  },
);
