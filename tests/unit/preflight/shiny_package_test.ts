import type { Finding, PreflightHost, ProgramResult, SandboxTrial } from "#src/preflight/mod.ts";
import { shinyPackage } from "#src/preflight/shiny_package.ts";
import { readShinyTrial, shinyTimeoutMs } from "#src/preflight/shiny_trial.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { installFakeR } from "#tests/support/r_installation.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";
import { configOf } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const GIVEN = { timeoutMs: 12_000 };

const prints = (...words: string[]): ProgramResult => ({
  code: 0,
  stdout: words.map((word) => `\nblockyard-shiny:${word}\n`).join(""),
  stderr: "",
});
const LOADS = prints("found", "loads 1.7.4");
const MISSING = prints("missing");
const FAILS = prints("found", "fails there is no package called ‘httpuv’");

Deno.test("what R says is told from what others print", UNIT, () => {
  const noisy = { ...LOADS, stdout: `Welcome to our site\n${LOADS.stdout}Loading...\n` };
  const crash = {
    code: 139,
    stdout: prints("found").stdout,
    stderr: "\n *** caught segfault ***\n",
  };
  const noStart = { code: 127, stdout: "", stderr: "R: libR.so: no such file\n\n" };
  assertEquals(
    [noisy, MISSING, FAILS, crash, noStart].map((result) => readShinyTrial(result, GIVEN)),
    [
      { kind: "loads", version: "1.7.4" },
      { kind: "missing" },
      { kind: "fails", reason: "there is no package called ‘httpuv’" },
      { kind: "fails", reason: "R ended with exit code 139: *** caught segfault ***" },
      { kind: "untried", reason: "R ended with exit code 127: R: libR.so: no such file" },
    ],
  );
  const long = readShinyTrial(prints("found", `fails ${"x".repeat(5000)}`), GIVEN);
  assertEquals(long, { kind: "fails", reason: `${"x".repeat(300)}…` });
  const silent = { code: 0, stdout: "", stderr: "" };
  assertEquals(readShinyTrial(silent, GIVEN), {
    kind: "untried",
    reason: "R ended with exit code 0",
  });
  const late = { code: 124, stdout: prints("found").stdout, stderr: "" };
  assertEquals(readShinyTrial(late, GIVEN), {
    kind: "untried",
    reason: "R was not done after 12 s",
  });
});

Deno.test("the last ones get the time that is left, if that can be enough", UNIT, () => {
  assertEquals([0, 6000, 10_000, 17_000, 17_001, 60_000].map(shinyTimeoutMs), [
    12_000,
    12_000,
    8000,
    1000,
    undefined,
    undefined,
  ]);
});

/** Apps of a configuration, each with its files and what else is set. */
type Apps = Readonly<
  Record<string, Readonly<Record<string, unknown>> & { readonly files?: readonly string[] }>
>;

interface Scene {
  /** What an R says of its libraries outside of a sandbox, by its path. */
  readonly outside?: Readonly<Record<string, string>>;
  /** What loading shiny comes to, by the R's path. */
  readonly answers: Readonly<Record<string, ProgramResult | Error>>;
  readonly apps?: Apps;
  readonly r?: string;
  readonly demo?: boolean;
  readonly hasApt?: boolean;
}

/** Runs the check on a host that executes nothing. */
async function look(
  { path }: TempFolder,
  { answers, outside = {}, apps = {}, r, demo = false, hasApt = false }: Scene,
): Promise<{ findings: readonly Finding[]; trials: SandboxTrial[] }> {
  for (const [name, { files = [] }] of Object.entries(apps)) {
    await Deno.mkdir(`${path}/apps/${name}`, { recursive: true });
    for (const file of files) await Deno.writeTextFile(`${path}/apps/${name}/${file}`, "");
  }
  const entries = Object.entries(apps).map(([name, { files: _files, ...settings }]) => [
    name,
    { path: `${path}/apps/${name}`, ...settings },
  ]);
  const yaml = JSON.stringify({
    apps: Object.fromEntries(entries),
    process: { rig_base: `${path}/versions` },
  });
  const trials: SandboxTrial[] = [];
  const sandboxes: PreflightHost["sandboxes"] = {
    ...fakeHost().sandboxes,
    run(trial) {
      trials.push(trial);
      const answer = answers[trial.command[0] ?? ""] ?? new Error("nobody expects this R");
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const programs: Readonly<Record<string, string | undefined>> = {
    "R": r,
    "apt-get": hasApt ? "/usr/bin/apt-get" : undefined,
  };
  const host = fakeHost({
    config: configOf({ yaml, demo }),
    findProgram: (name) => Promise.resolve(programs[name]),
    sandboxes,
    runProgram: ([program = ""], options) => {
      assertEquals(options?.asWorker, true);
      const stdout = outside[program];
      return stdout === undefined
        ? Promise.reject(new Error("no free uid"))
        : Promise.resolve({ code: 0, stdout, stderr: "" });
    },
  });
  return { findings: [await shinyPackage.run(host)].flat(), trials };
}

const install = ({ path }: TempFolder, name: string, version: string) =>
  installFakeR(`${path}/${name}`, { script: "", version });
const brief = (findings: readonly Finding[]) =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);
const SHINY = { files: ["app.R"] };

Deno.test("every R is asked once, however many links lead to it", UNIT, async () => {
  await using folder = await tempFolder();
  const versioned = await install(folder, "versions/4.4.2", "4.4.2");
  const other = await install(folder, "versions/4.3.1", "4.3.1");
  await install(folder, "versions/4.3.1-arm64", "4.3.1");
  await folder.folder("versions/4.3.3");
  const r = `${folder.path}/R`;
  await Deno.symlink(versioned, r);
  const { findings, trials } = await look(folder, { r, answers: { [r]: LOADS, [other]: LOADS } });
  assertEquals(brief(findings), [
    `ok: R 4.4.2 at ${r} loads shiny 1.7.4 in a sandbox`,
    `ok: R 4.3.1 at ${other} loads shiny 1.7.4 in a sandbox`,
  ]);
  const prefix = `${folder.path}/versions/4.3.1`;
  const trial = trials.find(({ command }) => command[0] === other);
  assertEquals(trial?.command.slice(1, -1), ["--no-echo", "--no-save", "--no-restore", "-e"]);
  assertEquals(trial?.shown, [{ source: prefix, target: prefix }]);
  assertEquals(
    trial?.env?.["PATH"],
    `${prefix}/bin:${prefix}/lib/R/bin:/usr/local/bin:/usr/bin:/bin`,
  );
  assert((trial?.timeoutMs ?? 0) > 0);
});

for (
  const [answer, message, advised] of [
    [MISSING, "has no shiny", /^As root, run install\.packages\("shiny"\) in \/.*\/R, into a lib/],
    [
      FAILS,
      "has shiny and cannot load it in a sandbox: there is no package called ‘httpuv’",
      /^Install what the message names, or install shiny again in \/.*\/R, where everybody can read it/,
    ],
  ] as const
) {
  Deno.test(
    `an R that ${message} is a warning, which names the Shiny apps on it`,
    UNIT,
    async () => {
      await using folder = await tempFolder();
      const r = await install(folder, "R", "4.2.2");
      const version = await install(folder, "versions/4.4.2", "4.4.2");
      const scene = { r, answers: { [r]: answer, [version]: LOADS } };
      const start = `R 4.2.2 at ${r} ${message}`;
      const loads = `ok: R 4.4.2 at ${version} loads shiny 1.7.4 in a sandbox`;
      const others: Apps = {
        api: { files: ["plumber.R"] },
        program: { files: ["app.R"], cmd: ["Rscript", "app.R"] },
        elsewhere: { ...SHINY, r_version: "4.4" },
      };
      const { findings: [warned, ...rest] } = await look(folder, { ...scene, apps: others });
      assert(warned?.severity === "warning" && warned.fix.kind === "advice");
      assertEquals([warned.message, brief(rest)], [start, [loads]]);
      assert(advised.test(warned.fix.text), warned.fix.text);

      const apps = { ...others, first: { files: ["server.R", "ui.R"] }, second: SHINY };
      const { findings } = await look(folder, { ...scene, apps });
      assertEquals(brief(findings), [
        `warning: ${start}, and the Shiny apps "first" and "second" would run on it`,
        loads,
      ]);
    },
  );
}

Deno.test("shiny in a library that no sandbox shows is told as that", UNIT, async () => {
  await using folder = await tempFolder();
  const r = await install(folder, "R", "4.2.2");
  const scene = { r, answers: { [r]: MISSING }, apps: { a: SHINY }, hasApt: true };
  const library = "Welcome\nblockyard-library:/srv/library\n\nblockyard-library:/srv/more\n";
  const [finding, ...more] = (await look(folder, { ...scene, outside: { [r]: library } })).findings;
  assertEquals([finding, more], [{
    severity: "warning",
    message:
      `R 4.2.2 at ${r} has shiny in /srv/library, which no sandbox shows, and the Shiny app ` +
      '"a" would run on it',
    fix: {
      kind: "advice",
      text:
        `Move that library, or install shiny again in ${r}, where everybody can read it: below ` +
        "/usr or in the folder of that R",
    },
  }, []]);
  for (const stdout of ["", "/srv/library\n", "blockyard-library:\n"]) {
    const { findings } = await look(folder, { ...scene, outside: { [r]: stdout } });
    assertEquals(brief(findings), [
      `warning: R 4.2.2 at ${r} has no shiny, and the Shiny app "a" would run on it`,
    ]);
  }
});

Deno.test(
  "an app that sets R up itself may have shiny from elsewhere",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const r = await install(folder, "R", "4.2.2");
    const scene = { r, answers: { [r]: MISSING } };
    const bringing: Apps = {
      profile: { files: ["app.R", ".Rprofile"] },
      environ: { files: ["app.R", ".Renviron"] },
      variable: { ...SHINY, env: { R_LIBS: "/data/library" } },
    };
    const tail =
      '; the settings of R that the apps "profile", "environ" and "variable" came with ' +
      "were not tried";
    assertEquals(brief((await look(folder, { ...scene, apps: bringing })).findings), [
      `warning: R 4.2.2 at ${r} has no shiny${tail}`,
    ]);
    const apps = { ...bringing, plain: { ...SHINY, env: { TITLE: "x" } } };
    assertEquals(brief((await look(folder, { ...scene, apps })).findings), [
      `warning: R 4.2.2 at ${r} has no shiny, and the Shiny app "plain" would run on it${tail}`,
    ]);
  },
);

Deno.test("an app's folder that cannot be read is said where it matters", UNIT, async () => {
  await using folder = await tempFolder();
  const r = await install(folder, "R", "4.2.2");
  const apps = { gone: { path: `${folder.path}/nothing` } };
  const { findings } = await look(folder, { r, apps, answers: { [r]: MISSING } });
  const start = 'whether the app "gone" needs shiny is not known: cannot read the app\'s folder ';
  assertEquals(findings.map(({ severity }) => severity), ["warning", "warning"]);
  assertEquals(findings[1]?.message.slice(0, start.length), start);
  assertEquals((await look(folder, { r, apps, answers: { [r]: LOADS } })).findings.length, 1);
});

Deno.test("what could not be tried is a warning that says why", UNIT, async () => {
  await using folder = await tempFolder();
  const bare = await look(folder, { answers: {} });
  assertEquals(brief(bare.findings), [
    "warning: whether R can load shiny could not be tried: it is no program",
  ]);
  const r = await install(folder, "R", "4.2.2");
  const failed = await look(folder, {
    r,
    answers: { [r]: new Error("no bwrap") },
    apps: { a: SHINY },
  });
  assertEquals(brief(failed.findings), [
    `warning: whether R 4.2.2 at ${r} can load shiny could not be tried: no bwrap`,
  ]);
  await Deno.remove(`${folder.path}/R/lib`, { recursive: true });
  await folder.write("versions", "a file");
  const { findings, trials } = await look(folder, { r, answers: {} });
  assertEquals([findings.map(({ severity }) => severity), trials], [["warning", "warning"], []]);
  assertEquals(
    findings.map(({ message }) =>
      message.slice(0, message.indexOf(": ", message.indexOf("tried")))
    ),
    [
      `whether ${r} can load shiny could not be tried`,
      `whether an R in ${folder.path}/versions can load shiny could not be tried`,
    ],
  );
});

Deno.test("the built-in app is told to need shiny like others", UNIT, async () => {
  await using folder = await tempFolder();
  const r = await install(folder, "R", "4.2.2");
  const scene = { r, answers: { [r]: MISSING }, apps: { a: SHINY }, demo: true };
  assertEquals(brief((await look(folder, scene)).findings), [
    `warning: R 4.2.2 at ${r} has no shiny, and the Shiny apps "a" and "demo" would run on it`,
  ]);
});

Deno.test("the system's package is no help for an R from elsewhere", UNIT, async () => {
  await using folder = await tempFolder();
  const r = await install(folder, "R", "4.2.2");
  const { findings } = await look(folder, { r, answers: { [r]: MISSING }, hasApt: true });
  const [finding] = findings;
  assert(finding?.severity === "warning");
  assert(!finding.fix.text.includes("r-cran-shiny"), finding.fix.text);
});
