import { assertEquals, assertMatch, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { EXECUTABLE, runBlockyard, SERVER_FILES } from "./support/executable.ts";
import { ownRanges, rangesAsEnvironment } from "./support/ranges.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: [EXECUTABLE] });
const withHost = needs({ files: SERVER_FILES });

const BAD_CONFIG = `server:
  bind: nowhere
  log_levle: info
process:
  port_range_start: 20000
  port_range_end: 10000
apps:
  hello:
    path: /srv/hello
    max_sessions_per_worker: many
  "no spaces please":
    path: /srv/other
`;

Deno.test(
  "a configuration with mistakes ends serve with 2 and a line for each of them",
  options,
  async () => {
    await using folder = await tempFolder();
    const file = await folder.write("bad.yaml", BAD_CONFIG);
    const { code, stdout, stderr } = await runBlockyard(["serve", "--config", file]);
    assertEquals([code, stdout], [2, ""]);
    const places = Array.from(
      stderr.matchAll(/bad\.yaml:(\d+:\d+) ([^:]+): .*want /g),
      ([, place, key]) => `${place} ${key}`,
    );
    assertEquals(places, [
      "2:9 server.bind",
      "3:3 server.log_levle",
      "6:19 process.port_range_end",
      "10:30 apps.hello.max_sessions_per_worker",
      '11:3 apps."no spaces please"',
    ]);
    assertStringIncludes(stderr, "log_level");
  },
);

Deno.test(
  "a configuration that is not there or is no YAML ends serve with 2",
  options,
  async () => {
    await using folder = await tempFolder();
    const missing = await runBlockyard(["serve", "--config", `${folder.path}/missing.yaml`]);
    assertEquals(missing.code, 2);
    assertStringIncludes(missing.stderr, `${folder.path}/missing.yaml`);

    const file = await folder.write("odd.yaml", "server: [\n");
    const odd = await runBlockyard(["serve", "--config", file]);
    assertEquals(odd.code, 2);
    assertMatch(odd.stderr, /odd\.yaml:\d+:\d+: /);
  },
);

Deno.test(
  "an address that another program listens on ends serve with 1 and says so",
  withHost,
  async () => {
    await using folder = await tempFolder();
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const bind = `127.0.0.1:${listener.addr.port}`;
    const { code, stderr } = await runBlockyard(["serve", "--demo", "--bind", bind], {
      env: {
        ...rangesAsEnvironment(ownRanges()),
        BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`,
      },
    });
    assertEquals(code, 1);
    assertStringIncludes(stderr, `cannot listen on ${bind}`);
    assertStringIncludes(stderr, "Address already in use");
  },
);

Deno.test(
  "without bubblewrap or R, serve ends with 1 and names the setting",
  withHost,
  async () => {
    await using folder = await tempFolder();
    const args = ["serve", "--demo", "--skip-preflight", "--bind", "127.0.0.1:0"];
    for (const [variable, key] of [["BWRAP", "process.bwrap_path"], ["R", "process.r_path"]]) {
      const { code, stderr } = await runBlockyard(args, {
        env: {
          ...rangesAsEnvironment(ownRanges()),
          BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`,
          [`BLOCKYARD_PROCESS_${variable}_PATH`]: "/nonexistent",
        },
      });
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, "/nonexistent");
      assertStringIncludes(stderr, `set ${key} to its absolute path`);
    }
  },
);

Deno.test("serve without an app says what would give it one", withHost, async () => {
  await using folder = await tempFolder();
  await using server = await ServeProcess.start(folder);
  await server.record("no app is served", {
    fields: { level: "warn", want: "apps in the file of --config, or --demo" },
  });
});

const refused: readonly (readonly [args: string[], message: string])[] = [
  [["sevre"], 'unknown command "sevre": want "serve"'],
  [["serve", "--confg", "x.yaml"], "unknown option --confg: want --config"],
  [["serve", "--config"], "option --config has no value: want --config FILE"],
  [["serve", "extra"], 'unexpected argument "extra": want none'],
  [["serve", "--bind", "nowhere"], "--bind: "],
];
for (const [args, message] of refused) {
  Deno.test(
    `blockyard ${args.join(" ")} ends with 2 and says what is wanted`,
    options,
    async () => {
      const { code, stdout, stderr } = await runBlockyard(args);
      assertEquals([code, stdout], [2, ""]);
      assertStringIncludes(stderr, `blockyard: ${message}`);
      assertEquals(stderr.trimEnd().split("\n").length, 1);
    },
  );
}

Deno.test("--help and --version print to standard output and end with 0", options, async () => {
  const program = await runBlockyard(["--help"]);
  assertEquals([program.code, program.stderr], [0, ""]);
  assertMatch(program.stdout, /^ +serve +run the host/m);

  const command = await runBlockyard(["serve", "--help"]);
  assertEquals([command.code, command.stderr], [0, ""]);
  for (const option of ["--config FILE", "--demo", "--bind HOST:PORT"]) {
    assertStringIncludes(command.stdout, option);
  }

  const version = await runBlockyard(["--version"]);
  assertEquals([version.code, version.stderr], [0, ""]);
  assertMatch(version.stdout, /^blockyard \d+\.\d+\.\d+ \(.*deno \d+\.\d+\.\d+\)\n$/);
});
