/** `blockyard preflight` on a terminal, which script(1) makes. */
import { selfCommand } from "#src/self_command.ts";
import { shellWord } from "#src/shell_word.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const options = needs({ files: ["/usr/bin/script", "/usr/bin/stty"] });

async function onTerminal(
  args: readonly string[],
  { columns, env }: { columns: number; env: Readonly<Record<string, string>> },
): Promise<{ code: number; shown: string }> {
  const { program, args: all, env: own } = selfCommand(["preflight", ...args]);
  const line = `stty cols ${columns} && exec ${[program, ...all].map(shellWord).join(" ")}`;
  const { code, stdout } = await new Deno.Command("/usr/bin/script", {
    args: ["--quiet", "--return", "--command", line, "/dev/null"],
    env: { ...own, PATH: "/usr/bin:/bin", SHELL: "/bin/sh", ...env },
    clearEnv: true,
    stdin: "null",
  }).output();
  return { code, shown: new TextDecoder().decode(stdout).replaceAll("\r\n", "\n") };
}

Deno.test(
  "a terminal gets colours, one that has none or wants none does not",
  options,
  async () => {
    for (
      const [env, isColoured] of [
        [{ TERM: "xterm" }, true],
        [{ TERM: "xterm", NO_COLOR: "1" }, false],
        [{ TERM: "dumb" }, false],
      ] as const
    ) {
      const { code, shown } = await onTerminal(["--only", "redis_auth"], { columns: 200, env });
      assertEquals([code, shown.includes("\x1b[32mok")], [0, isColoured], shown);
      assertEquals(shown.includes("\x1b"), isColoured);
    }
  },
);

Deno.test("JSON is the same on a terminal", options, async () => {
  const env = { TERM: "xterm" };
  const { shown } = await onTerminal(["--only", "redis_auth", "--json"], { columns: 40, env });
  assertEquals(JSON.parse(shown).results[0].name, "redis_auth");
});

Deno.test(
  "a narrow terminal gets sentences between words, and commands whole",
  options,
  async () => {
    await using folder = await tempFolder();
    const name = "a configuration with a name of many words that is hardly ever typed by hand.yaml";
    const config = await folder.write(name, JSON.stringify({ server: { bind: "0.0.0.0:8097" } }));
    await Deno.chmod(config, 0o666);
    const { shown } = await onTerminal(["--only", "config_security", "--config", config], {
      columns: 70,
      env: { TERM: "dumb" },
    });
    const lines = shown.split("\n");
    assertStringIncludes(shown, `run: chmod go-w '${config}'\n`);
    const long = lines.filter((line) => line.length > 70 && !/^ +(?:run|set): /.test(line));
    // A path has no place to break at, and the sum is one line.
    assertEquals(long.filter((line) => !line.includes(folder.path) && !line.includes(" ok, ")), []);
    assert(lines.filter((line) => /^ {26}\S/.test(line)).length > 2, shown);
  },
);
