/** How `blockyard preflight` ends, and what of it a script can rely on. */
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { reportProblems } from "#tests/support/report_schema.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";

const options = needs();
const asRoot = needs({ root: true, files: ["/usr/bin/bwrap"] });
const withFull = needs({ files: ["/dev/full"] });

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it; `redirect` is what a shell is told of its streams, such as `>/dev/full`. */
async function preflight(
  args: readonly string[],
  { redirect = "", isReaderGone = false }: { redirect?: string; isReaderGone?: boolean } = {},
): Promise<Outcome> {
  const { program, args: all, env } = selfCommand(["preflight", ...args]);
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", `exec "$@" ${redirect}`, "sh", program, ...all],
    env: { ...env, PATH: "/usr/bin:/bin" },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const text = (stream: ReadableStream) => new Response(stream).text();
  const said = isReaderGone ? child.stdout.cancel().then(() => "") : text(child.stdout);
  const [{ code }, stdout, stderr] = await Promise.all([child.status, said, text(child.stderr)]);
  return { code, stdout, stderr };
}

for (
  const [name, args, problem] of [
    ["a check that does not exist", ["--only", "redis_aut"], 'want "redis_auth"'],
    ["a name in other letters", ["--only", "REDIS_AUTH"], 'want "redis_auth"'],
    ["no check", ["--only", ""], "option --only names no check: want NAME,NAME"],
    ["commas alone", ["--only", " , ,"], "option --only names no check: want NAME,NAME"],
    ["--only without names", ["--only"], "option --only has no value: want --only NAMES"],
    ["--only twice", ["--only", "r_binary", "--only", "redis_auth"], "--only is given twice"],
    ["an argument", ["redis_auth"], 'unexpected argument "redis_auth": want none'],
    ["an unknown option", ["--srict"], "unknown option --srict: want --strict"],
    ["a missing file", ["--config", "/nonexistent/by.yaml"], "cannot read /nonexistent/by.yaml"],
    ["a folder as the file", ["--json", "--config", "/"], "cannot read /"],
    ["a file without a name", ["--json", "--config", ""], "want a readable YAML file"],
  ] as const
) {
  Deno.test(`preflight refuses ${name} with 2, and prints nothing`, options, async () => {
    const { code, stdout, stderr } = await preflight(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, problem);
  });
}

Deno.test("preflight names every unknown check and every fault of a file", options, async () => {
  const unknown = await preflight(["--only", "redis_aut,r_binry"]);
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
  assertStringIncludes(unknown.stderr, "blockyard: 2 problems:\n");
  for (const near of ["redis_auth", "r_binary"]) assertStringIncludes(unknown.stderr, `"${near}"`);

  await using folder = await tempFolder();
  const config = await folder.write("by.yaml", "sever: {}\nprocess: { r_path: 7 }\n");
  const broken = await preflight(["--json", "--config", config]);
  assertEquals([broken.code, broken.stdout], [2, ""]);
  assertStringIncludes(broken.stderr, `${config}:1:1 sever: `);
  assertStringIncludes(broken.stderr, `${config}:2:20 process.r_path: `);
});

Deno.test("preflight asks a check once that is named twice", options, async () => {
  const { code, stdout } = await preflight(["--json", "--only", "redis_auth,,redis_auth"]);
  assertEquals([code, JSON.parse(stdout).results.length], [0, 1]);
});

Deno.test("preflight starts nothing for checks that it is not asked for", asRoot, async () => {
  await using folder = await tempFolder();
  const program = async (name: string) => {
    const path = await folder.write(name, '#!/bin/sh\n: > "$0.asked"\nexit 1\n');
    await Deno.chmod(path, 0o755);
    return path;
  };
  const [r_path, bwrap_path] = [await program("R"), await program("bwrap")];
  const config = await folder.write("by.yaml", JSON.stringify({ process: { r_path, bwrap_path } }));
  const asked = () => Array.from(Deno.readDirSync(folder.path), ({ name }) => name).sort();
  await preflight(["--config", config, "--only", "redis_auth,config_security,port_range"]);
  assertEquals(asked(), ["R", "bwrap", "by.yaml"]);
  await preflight(["--config", config, "--only", "r_binary"]);
  assertEquals(asked(), ["R", "R.asked", "bwrap", "by.yaml"]);
  await preflight(["--config", config, "--only", "bwrap_available"]);
  assertEquals(asked(), ["R", "R.asked", "bwrap", "bwrap.asked", "by.yaml"]);
});

/** A check that says what its test wants it to. */
async function configs(folder: TempFolder): Promise<Record<string, string[]>> {
  const file = (name: string, config: unknown) =>
    folder.write(`${name}.yaml`, JSON.stringify(config));
  // Nobody listens at port 1.
  const away = await file("away", { redis: { url: "redis://127.0.0.1:1" } });
  const proxies = await file("proxies", {
    server: { data_dir: `${folder.path}/data`, trusted_proxies: ["0.0.0.0/0"] },
  });
  const noR = await file("no_r", { process: { r_path: "/nonexistent/R" } });
  return {
    ok: ["--only", "redis_auth"],
    info: ["--only", "redis_auth", "--config", away],
    warning: ["--only", "config_security", "--config", proxies],
    error: ["--only", "r_binary", "--config", noR],
  };
}

Deno.test(
  "preflight exits by the worst that it found, and JSON says the same",
  asRoot,
  async () => {
    await using folder = await tempFolder();
    const args = await configs(folder);
    for (
      const [severity, code, strictCode] of [
        ["ok", 0, 0],
        ["info", 0, 0],
        ["warning", 0, 1],
        ["error", 1, 1],
      ] as const
    ) {
      for (const [more, wanted] of [[[], code], [["--strict"], strictCode]] as const) {
        const asked = [...args[severity] ?? [], ...more];
        const json = await preflight([...asked, "--json"]);
        assertEquals([json.code, json.stderr], [wanted, ""], json.stdout);
        const report = JSON.parse(json.stdout);
        assertEquals(reportProblems(report), []);
        assertEquals(report.results[0].severity, severity);
        assertEquals(report.summary.fit, wanted === 0);
        const table = await preflight(asked);
        assertEquals([table.code, table.stderr], [wanted, ""]);
        const verdict = wanted === 0 ? "this host is fit, as far as it was asked" : "is not fit (";
        assertStringIncludes(table.stdout, verdict);
      }
    }
  },
);

Deno.test("a reader that has gone changes no exit code, and is no failure", asRoot, async () => {
  await using folder = await tempFolder();
  const { ok = [], error = [] } = await configs(folder);
  for (const [args, wanted] of [[ok, 0], [error, 1], [[...ok, "--json"], 0]] as const) {
    const { code, stderr } = await preflight(args, { isReaderGone: true });
    assertEquals([code, stderr], [wanted, ""]);
  }
});

Deno.test("a report that cannot be written is a failure, said in words", withFull, async () => {
  for (const more of [[], ["--json"], ["--help"]]) {
    const args = ["--only", "redis_auth", ...more];
    const { code, stderr } = await preflight(args, { redirect: ">/dev/full" });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "blockyard: cannot write to standard output, want a file or pipe");
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
});

Deno.test("who cannot be told what is wrong still gets the exit code", withFull, async () => {
  const { code, stdout } = await preflight(["--only", "nothing"], { redirect: "2>/dev/full" });
  assertEquals([code, stdout], [2, ""]);
});

Deno.test("an R that steers terminals spoils neither JSON nor table", asRoot, async () => {
  await using folder = await tempFolder();
  const r = await folder.write(
    "an R",
    "#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007 \\377\\342\\200\\256 boom\\r\\n' >&2\nexit 3\n",
  );
  await Deno.chmod(r, 0o755);
  const config = await folder.write("by.yaml", JSON.stringify({ process: { r_path: r } }));
  const args = ["--config", config, "--only", "r_binary"];
  const json = await preflight([...args, "--json"]);
  assertEquals([json.code, json.stderr], [1, ""]);
  const report = JSON.parse(json.stdout);
  assertEquals(reportProblems(report), []);
  assertStringIncludes(report.results[0].message, "exit code 3");
  assertStringIncludes(report.results[0].message, "boom");
  const table = await preflight(args);
  assert(/^[^\p{Cc}\p{Bidi_Control}]*$/u.test(table.stdout.replaceAll("\n", "")), table.stdout);
});

Deno.test("no secret of the configuration is in a report", asRoot, async () => {
  await using folder = await tempFolder();
  const secret = "S3cr3t-of-the-test";
  const config = await folder.write(
    "by.yaml",
    JSON.stringify({
      server: { data_dir: `${folder.path}/data` },
      redis: { url: `redis://blockyard:${secret}@127.0.0.1:1` },
      database: { driver: "postgres", url: `postgresql://by:${secret}@127.0.0.1:1/by` },
      apps: { a: { path: folder.path, cmd: ["true"], env: { TOKEN: secret } } },
    }),
  );
  const args = ["--config", config, "--only", "redis_auth,worker_egress,config_security"];
  for (const more of [[], ["--json"]]) {
    const { stdout, stderr } = await preflight([...args, ...more]);
    assertStringIncludes(stdout, "the password in redis.url");
    assert(!`${stdout}${stderr}`.includes(secret), stdout);
  }
});
