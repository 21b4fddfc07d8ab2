/** `blockyard preflight`, all of it, as it is typed. */
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { reportProblems, SCHEMA_CHECKS } from "#tests/support/report_schema.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { environment, EXECUTABLE, SERVER_FILES } from "./support/executable.ts";
import { ownRanges, rangesAsEnvironment } from "./support/ranges.ts";

const options = needs({ root: true, files: [...SERVER_FILES, "/usr/bin/prlimit"] });

/** What the host decides: its bubblewrap may be repaired, and its groups have limits of their own. */
const OF_THE_HOST = ["bwrap_available", "cgroup_delegation", "resource_limits"];

const golden = new URL("../testdata/preflight/table.txt", import.meta.url);
const ranges = ownRanges();
const { start: uid, end: lastUid } = ranges.uids;

async function preflight(
  folder: TempFolder,
  { args = [], prefix = [], executable = EXECUTABLE, env = {} }: {
    args?: readonly string[];
    prefix?: readonly string[];
    executable?: string;
    env?: Readonly<Record<string, string>>;
  } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const [program = "", ...rest] = [
    ...["prlimit", "--nofile=1024:4096", ...prefix],
    ...[executable, "preflight", ...args],
  ];
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: rest,
    cwd: "/",
    env: environment({
      ...rangesAsEnvironment(ranges),
      BLOCKYARD_SERVER_BIND: "127.0.0.1:8097",
      BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`,
      ...env,
    }),
    clearEnv: true,
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Takes out what differs between hosts and runs. */
function steady(table: string): string {
  return table
    .replaceAll(/\b\d+ ms\b/g, "N ms")
    .replaceAll(/\(\d+\.\d s\)/g, "(N s)")
    .replaceAll(/\b(R|shiny) \d+\.\d+(\.\d+)+/g, "$1 V")
    .replaceAll(new RegExp(`\\b${ranges.uids.start}\\b to `, "g"), "UID to ")
    .replaceAll(/\b\d{10}\b/g, "UID")
    .replaceAll(new RegExp(`\\b${ranges.ports.start}\\b`, "g"), "PORT")
    .replaceAll(new RegExp(`\\b${ranges.ports.end}\\b`, "g"), "PORT");
}

/** The lines of a table by their check, its fixes with it. */
function withoutHost(table: string): string {
  let isLeftOut = false;
  return table.split("\n").filter((line) => {
    if (/^\S/.test(line)) isLeftOut = OF_THE_HOST.includes(line.split(/ +/)[1] ?? "");
    else if (line === "") isLeftOut = false;
    return !isLeftOut;
  }).join("\n").replace(/^\d+ ok, .*: this host is fit/m, "N ok: this host is fit");
}

Deno.test("the table of a usual host is the one that is known", options, async () => {
  await using folder = await tempFolder();
  const { code, stdout, stderr } = await preflight(folder);
  assertEquals([code, stderr], [0, ""], stdout);
  const seen = withoutHost(steady(stdout));
  if (Deno.env.get("BLOCKYARD_UPDATE_GOLDEN") === "1") await Deno.writeTextFile(golden, seen);
  assertEquals(seen, await Deno.readTextFile(golden));
  assertEquals(processesOfUids({ start: uid, end: lastUid }), []);
});

Deno.test("the JSON of root's preflight is valid, and asks every check", options, async () => {
  await using folder = await tempFolder();
  const { code, stdout } = await preflight(folder, { args: ["--json"] });
  const report = JSON.parse(stdout);
  assertEquals([code, report.summary.fit, report.host.uid], [0, true, 0]);
  assertEquals(reportProblems(report), []);
  const asked = new Set(report.results.map(({ name }: { name: string }) => name));
  assertEquals([...asked], [...SCHEMA_CHECKS]);
});

Deno.test("an ordinary user's preflight says what root would add", options, async () => {
  await using folder = await tempFolder();
  const home = await folder.folder("home", 0o700);
  await Deno.chown(home, uid, uid);
  const executable = `${folder.path}/blockyard`;
  await Deno.copyFile(EXECUTABLE, executable);
  await Deno.chmod(executable, 0o755);
  const { code, stdout, stderr } = await preflight(folder, {
    args: ["--json"],
    prefix: ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"],
    executable,
    env: {
      HOME: home,
      BLOCKYARD_CACHE_DIR: "",
      XDG_CACHE_HOME: `${home}/cache`,
      BLOCKYARD_SERVER_DATA_DIR: `${home}/data`,
    },
  });
  assertEquals([code, stderr], [0, ""], stdout);
  const report = JSON.parse(stdout);
  assertEquals(reportProblems(report), []);
  assertEquals([report.host.uid, report.summary.error], [uid, 0]);
  const messages = (check: string): string =>
    report.results.filter(({ name }: { name: string }) => name === check)
      .map(({ severity, message }: Record<string, string>) => `${severity}: ${message}`).join("; ");
  assertStringIncludes(messages("bwrap_host_uid_mapping"), `info: every worker runs under the`);
  assertStringIncludes(
    messages("uid_range"),
    `info: workers run under the server's own uid ${uid}`,
  );
  assertStringIncludes(messages("sandbox_smoke"), "ok: R started in a sandbox");
  assertStringIncludes(messages("resource_limits"), "warning: ");
  assertStringIncludes(messages("config_security"), "ok: nobody else can reach the server");
  assertEquals(
    messages("worker_egress"),
    "warning: a worker reaches the server itself at 127.0.0.1:8097",
  );
  const { fix } = report.results.find(({ name }: { name: string }) => name === "worker_egress");
  assertEquals(fix.kind, "advice");
  assertStringIncludes(fix.text, '"blockyard firewall show"');
});
