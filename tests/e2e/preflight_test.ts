import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { processesOfUids, runningProcesses } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { reportProblems } from "#tests/support/report_schema.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { environment, EXECUTABLE, runBlockyard, SERVER_FILES } from "./support/executable.ts";
import { ownRanges, rangesAsEnvironment } from "./support/ranges.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ root: true, files: SERVER_FILES });

/** A configuration that everybody could replace, with root executing what it names. */
async function openConfig(folder: TempFolder): Promise<string> {
  const server = { data_dir: `${folder.path}/data` };
  const path = await folder.write("blockyard.yaml", JSON.stringify({ server }));
  await Deno.chmod(path, 0o666);
  return path;
}

async function tokenIn(folder: TempFolder): Promise<string> {
  return (await Deno.readTextFile(`${folder.path}/data/admin-token`)).trim();
}

const ask = (url: string, authorization?: string) =>
  fetch(`${url}/api/v1/preflight`, { headers: { ...(authorization && { authorization }) } });

Deno.test(
  "serve checks the host first, logs it, and tells it to who has the token",
  options,
  async () => {
    await using folder = await tempFolder();
    await using server = await ServeProcess.start(folder, { preflight: true });
    const told = await ask(server.url, `Bearer ${await tokenIn(folder)}`);
    assertEquals(told.status, 200);
    const report = await told.json();
    assertEquals(reportProblems(report), []);
    assertEquals(report.summary.error, 0);

    const logged = server.records.filter(({ msg }) => msg === "preflight");
    const levels: Record<string, string> = { ok: "debug", info: "info", warning: "warn" };
    type Result = Readonly<Record<"name" | "severity" | "message", string>> & { fix: unknown };
    assertEquals<unknown>(
      logged.map(({ level, check, found, fix }) => ({ level, check, found, fix: fix ?? null })),
      report.results.map(({ name, severity, message, fix }: Result) => ({
        level: levels[severity],
        check: name,
        found: message,
        fix,
      })),
    );
    const done = server.records.findIndex(({ msg }) => msg === "preflight done");
    const serving = server.records.findIndex(({ msg }) => msg === "serving");
    assert(done !== -1 && done < serving, "the host is checked before the server listens");

    for (const authorization of [undefined, "Bearer x"]) {
      const refused = await ask(server.url, authorization);
      assertEquals(refused.status, 401);
      assertEquals((await refused.json()).error.code, "unauthorized");
    }
  },
);

Deno.test(
  "serve does not start on a host that is not fit, says what to do, and leaves nothing",
  needs({ root: true, files: [...SERVER_FILES, "/usr/sbin/nft"] }),
  async () => {
    await using folder = await tempFolder();
    const config = await openConfig(folder);
    const ranges = ownRanges();
    const { code, stdout, stderr } = await runBlockyard(
      ["serve", "--config", config, "--bind", "127.0.0.1:0"],
      { env: { ...rangesAsEnvironment(ranges), BLOCKYARD_FIREWALL_MODE: "managed" } },
    );
    assertEquals([code, stdout], [1, ""]);
    const records = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
    const { level, error } = records.find(({ msg }) => msg === "cannot start");
    assertEquals(level, "error");
    assertStringIncludes(error, "--skip-preflight");
    assertStringIncludes(error, "blockyard preflight");
    assert(!records.some(({ msg }) => msg === "serving"));
    const unfit = records.filter(({ level, msg }) => level === "error" && msg === "preflight");
    assertEquals(unfit.map(({ check }) => check), ["config_security"]);
    assertEquals(unfit[0].fix.kind, "command");

    await assertRejects(() => Deno.stat(`${folder.path}/data`), Deno.errors.NotFound);
    assertEquals(processesOfUids(ranges.uids), []);
    const tables = await new Deno.Command("/usr/sbin/nft", { args: ["list", "tables"] }).output();
    const range = `_${ranges.uids.start}_${ranges.uids.end}_`;
    assertEquals([tables.code, new TextDecoder().decode(tables.stdout).includes(range)], [
      0,
      false,
    ]);
  },
);

Deno.test("serve --skip-preflight starts all the same, and says so", options, async () => {
  await using folder = await tempFolder();
  const config = await openConfig(folder);
  await using server = await ServeProcess.start(folder, { args: ["--config", config] });
  const skipped = server.records.filter(({ msg }) => msg.startsWith("preflight"));
  assertEquals(skipped.map(({ level, msg }) => [level, msg]), [
    ["warn", "preflight skipped: nobody knows whether this host is fit"],
  ]);
  const told = await ask(server.url, `Bearer ${await tokenIn(folder)}`);
  assertEquals(told.status, 404);
  assertEquals((await told.json()).error.code, "preflight_skipped");
});

Deno.test(
  "a signal ends serve while it checks the host, and all that was started",
  options,
  async () => {
    await using folder = await tempFolder();
    const r = await folder.write(
      "R",
      '#!/bin/sh\n: > "$(dirname "$0")/asked"\nexec sleep 61.5\n',
    );
    await Deno.chmod(r, 0o755);
    const ranges = ownRanges();
    const child = new Deno.Command(EXECUTABLE, {
      args: ["serve", "--demo", "--bind", "127.0.0.1:0"],
      env: environment({
        ...rangesAsEnvironment(ranges),
        BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`,
        BLOCKYARD_PROCESS_R_PATH: r,
      }),
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const said = new Response(child.stderr).text();
    await until(() => exists(`${folder.path}/asked`), { what: "R is asked for its version" });
    child.kill("SIGTERM");
    const { code } = await child.status;
    assertEquals(code, 0, await said);
    assertStringIncludes(await said, '"msg":"stopped before the host was checked"');
    assertEquals(processesOfUids(ranges.uids), []);
    const sleeping = runningProcesses().filter(({ pid }) => commandOf(pid).includes("61.5"));
    assertEquals(sleeping, []);
  },
);

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function commandOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    // It has ended meanwhile.
    return "";
  }
}
