/** What `systemd-unit` and `apparmor` print, as operators get it and systemd and AppArmor read it. */
import { apparmorProfile } from "#src/host_setup/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { settingsOf, unitText } from "#tests/support/unit_text.ts";
import { type Outcome, run, runBuild } from "./packaging/single_file.ts";

const options = needs();
const asRoot = needs({ root: true });
const ORDINARY_USER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

const ANALYZE = "/usr/bin/systemd-analyze";
const withSystemd = needs({ files: [ANALYZE] });

const PARSER = "/usr/sbin/apparmor_parser";
const PARSER_4 = parser4();
const withParser = needs({ files: [PARSER] });
const withParser4 = needs({ files: [PARSER_4] });

/** Runs this program from its sources. */
function blockyard(...args: string[]): Promise<Outcome> {
  const { program, args: all, env } = selfCommand(args);
  return run([program, ...all], { env });
}

Deno.test("both commands explain themselves", options, async () => {
  for (const command of ["systemd-unit", "apparmor"]) {
    const { code, stdout, stderr } = await blockyard(command, "--help");
    assertEquals([code, stderr], [0, ""]);
    assertMatch(stdout, new RegExp(`^Print [^]*\nUsage: blockyard ${command} \\[OPTIONS\\]\n`));
    assertStringIncludes(stdout, "--executable PATH");
  }
  const { stdout } = await blockyard("--help");
  assertMatch(stdout, /\n {2}systemd-unit +print [^]*\n {2}apparmor +print /);
});

for (
  const [name, args, problem] of [
    ["systemd-unit of a checkout", ["systemd-unit"], "want --executable PATH"],
    ["apparmor of a checkout", ["apparmor"], "want --executable PATH"],
    ["another abi", ["apparmor", "--executable", "/by", "--abi", "5"], 'abi "5": want 3 or 4'],
    ["a pattern as executable", ["apparmor", "--executable", "/by*"], "want a path without * ?"],
    ["a line break", ["systemd-unit", "--executable", "/a\nb"], "without control characters"],
    [
      "a file that is not there",
      ["systemd-unit", "--executable", "/by", "--config", "/nonexistent/by.yaml"],
      "cannot read /nonexistent/by.yaml",
    ],
  ] as const
) {
  Deno.test(`${name} is refused with 2, and nothing printed`, options, async () => {
    const { code, stdout, stderr } = await blockyard(...args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, problem);
  });
}

Deno.test("a variable of the shell that prints the unit has no part in it", asRoot, async () => {
  const { program, args, env } = selfCommand(["systemd-unit", "--executable", "/opt/by"]);
  const { code, stdout, stderr } = await run([program, ...args], {
    env: { ...env, BLOCKYARD_SERVER_DATA_DIR: "/srv/by", BLOCKYARD_SERVER_BIND: "127.0.0.1:80" },
  });
  assertEquals([code, stderr], [0, ""]);
  const settings = settingsOf(stdout);
  assertEquals(settings["Service.StateDirectory"], ["blockyard"]);
  assert(!settings["Service.CapabilityBoundingSet"]?.[0]?.includes("CAP_NET_BIND_SERVICE"));
});

Deno.test("an app that a link leads to in a home stays in sight", asRoot, async () => {
  await using folder = await tempFolder();
  await Deno.symlink("/root", `${folder.path}/app`);
  const config = await folder.write("by.yaml", "apps: { a: { path: app } }\n");
  const { stdout } = await blockyard("systemd-unit", "--executable", "/opt/by", "--config", config);
  assertEquals(settingsOf(stdout)["Service.ProtectHome"], ["read-only"]);
});

Deno.test("the single file knows where it lies", asRoot, async (test) => {
  await using folder = await tempFolder();
  const file = `${folder.path}/blockyard`;
  const built = await runBuild(["--kind", "single-file", "--output", file]);
  assertEquals(built.code, 0, built.stderr);
  await Deno.symlink(file, `${folder.path}/link`);
  const env = { BLOCKYARD_CACHE_DIR: await folder.folder("cache") };
  const start = (...command: string[]) => run(command, { env, cwd: folder.path });

  await test.step("the unit starts it as it was started", async () => {
    for (const program of [file, `${folder.path}/link`]) {
      const { code, stdout, stderr } = await start(program, "systemd-unit");
      assertEquals([code, stderr], [0, ""]);
      assertEquals(settingsOf(stdout)["Service.ExecStart"], [`${program} serve`]);
    }
    const relative = await start("./blockyard", "systemd-unit");
    assertEquals(settingsOf(relative.stdout)["Service.ExecStart"], [`${file} serve`]);
  });

  await test.step("the profile names the file behind a link", async () => {
    const { code, stdout, stderr } = await start("./link", "apparmor");
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, apparmorProfile({ executable: file, abi: 4 }));
  });

  await test.step("a shell that is told to read it does not say where it is", async () => {
    const { code, stdout, stderr } = await start("sh", "blockyard", "systemd-unit");
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, "want --executable PATH");
  });

  await test.step("an ordinary user gets a unit for a manager of their own", async () => {
    const home = await folder.folder("home", 0o700);
    await Deno.chown(home, 54321, 54321);
    const { code, stdout, stderr } = await run([...ORDINARY_USER, file, "systemd-unit"], {
      env: { ...env, HOME: home },
    });
    assertEquals([code, stderr], [0, ""]);
    assertEquals(settingsOf(stdout)["Install.WantedBy"], ["default.target"]);
    assertMatch(stdout, /^# {5}systemctl --user daemon-reload /m);
  });
});

for (const manager of ["system", "user"] as const) {
  Deno.test(`the ${manager}'s systemd understands every line`, withSystemd, async () => {
    await using folder = await tempFolder();
    const executable = await folder.write("100% my apps/$HOME/by", "#!/bin/sh\n");
    await Deno.chmod(executable, 0o755);
    const text = unitText({
      config: {
        server: { data_dir: "/srv/by data", bind: "127.0.0.1:80" },
        redis: { url: "redis+unix:///run/redis/redis.sock" },
        apps: {
          a: {
            path: "/home/alice/a",
            mounts: [{ source: '/srv/a"b\\c', target: "/out", read_only: false }],
          },
        },
      },
      spec: { isRoot: manager === "system", executable, configPath: `${folder.path}/a "b\\c.yaml` },
    });
    assertEquals(await verify(folder, text, manager), []);

    // These show that it would have been said.
    const misspelt = await verify(folder, text.replace("KillMode=mixed", "KillMode=mixt"), manager);
    assertMatch(misspelt.join("\n"), /mixt/);
    await Deno.remove(executable);
    const missing = await verify(folder, text, manager);
    assertStringIncludes(missing.join("\n"), executable);
  });
}

Deno.test("systemd finds the usual unit hardened", withSystemd, async () => {
  await using folder = await tempFolder();
  const file = await folder.write("blockyard.service", unitText());
  const security = ["security", "--offline=true", "--no-pager", "--threshold=50", file];
  const { code, stdout } = await run([ANALYZE, ...security]);
  assertEquals(code, 0, stdout);
});

Deno.test(
  "the form for old parsers is understood by the one that is here",
  withParser,
  async () => {
    const profile = apparmorProfile({ executable: "/opt/my apps/by", abi: 3 });
    assertEquals(await compile(PARSER, profile).then(({ problem }) => problem), "");
  },
);

Deno.test("the usual form is understood by AppArmor 4", withParser4, async () => {
  const profile = apparmorProfile({ executable: "/opt/my apps/by", abi: 4 });
  assertEquals(await compile(PARSER_4, profile).then(({ problem }) => problem), "");
  const misspelt = await compile(PARSER_4, profile.replace("userns,", "userns2,"));
  assertMatch(misspelt.problem, /syntax error|parser error/i);
});

Deno.test("no path that is let in stands for more than itself", withParser, async () => {
  for (const character of " $().+|#!~;:=<>&'`@-,%") {
    const profile = apparmorProfile({ executable: `/opt/a${character}b`, abi: 3 });
    const rule = profile.slice(profile.indexOf("\nprofile "));
    // A class of one character is that character, and nothing else.
    const exact = rule.replace(`/opt/a${character}b`, `/opt/a[${character}]b`);
    assert(rule !== exact);
    const [ours, wanted] = [await compile(PARSER, rule), await compile(PARSER, exact)];
    assertEquals([ours.problem, wanted.problem], ["", ""]);
    assertEquals(ours.policy, wanted.policy, `the pattern of ${character}`);
  }
});

/** What systemd says of a unit; of others of the host it may say something, too. */
async function verify(
  folder: TempFolder,
  text: string,
  manager: "system" | "user",
): Promise<string[]> {
  const file = await folder.write("blockyard.service", text);
  const { code, stdout, stderr } = await run([ANALYZE, `--${manager}`, "verify", file], {
    env: { HOME: folder.path, XDG_RUNTIME_DIR: folder.path },
  });
  const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  const ofOurs = said.filter((line) => line.includes("blockyard"));
  return ofOurs.length === 0 && code !== 0 ? said : ofOurs;
}

/** Compiles a profile, and loads it nowhere. */
async function compile(
  parser: string,
  profile: string,
): Promise<{ policy: Uint8Array; problem: string }> {
  const child = new Deno.Command(parser, {
    args: ["--skip-kernel-load", "--skip-cache", "--stdout"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode(profile));
  await input.close();
  const { success, stdout, stderr } = await child.output();
  // A kernel without AppArmor has no place that says what it knows, and a cache needs that.
  const said = new TextDecoder().decode(stderr).replace(/^Cache read\/write disabled: .*\n/gm, "");
  return { policy: stdout, problem: success ? said : `it ended with an error: ${said}` };
}

/** The system's own parser where it is new enough, else what `scripts/support/apparmor4.sh` made. */
function parser4(): string {
  try {
    const { stdout } = new Deno.Command(PARSER, { args: ["--version"] }).outputSync();
    const major = /version (\d+)\./.exec(new TextDecoder().decode(stdout))?.[1];
    if (Number(major) >= 4) return PARSER;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${cache}/blockyard-tools/apparmor-4/parser`;
}
