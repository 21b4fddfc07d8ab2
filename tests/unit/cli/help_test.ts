import { commandHelp, programHelp } from "#src/cli/help.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

Deno.test("commandHelp() lists arguments and options in columns", SANE, () => {
  const help = commandHelp({
    name: "r resolve",
    summary: "says which R serves a version",
    options: {
      config: { type: "string", short: "c", value: "FILE", help: "the configuration" },
      only: { type: "string", multiple: true, help: "only these" },
      json: { type: "boolean", help: "print JSON" },
    },
    positionals: [
      { name: "VERSION", help: "such as 4.4" },
      { name: "MORE", help: "more of them", optional: true, many: true },
    ],
  }, "blockyard");
  assertEquals(
    help,
    `Says which R serves a version.

Usage: blockyard r resolve [OPTIONS] VERSION [MORE...]

Arguments:
  VERSION  such as 4.4
  MORE     more of them

Options:
  -c, --config FILE  the configuration
      --only VALUE   only these (can be repeated)
      --json         print JSON
  -h, --help         print this help
`,
  );
});

Deno.test("commandHelp() ends with tables of the command's own", SANE, () => {
  const tables = { "Exit codes": [["0", "all is well"], ["10", "it is not"]] } as const;
  assertEquals(
    commandHelp({ name: "look", summary: "looks", tables }, "b"),
    `Looks.

Usage: b look [OPTIONS]

Options:
  -h, --help  print this help

Exit codes:
  0   all is well
  10  it is not
`,
  );
});

Deno.test("commandHelp() shows what comes after --, and no empty list", SANE, () => {
  const passthrough = { name: "PROGRAM ARGS...", help: "what to run" };
  assertEquals(
    commandHelp({ name: "run", summary: "Runs a program.", passthrough }, "b"),
    `Runs a program.

Usage: b run [OPTIONS] -- PROGRAM ARGS...

Arguments:
  PROGRAM ARGS...  what to run

Options:
  -h, --help  print this help
`,
  );
});

Deno.test("programHelp() lists the commands in columns", SANE, () => {
  const commands = [
    { name: "serve", summary: "runs the host" },
    { name: "preflight", summary: "checks the host" },
  ];
  assertEquals(
    programHelp({ name: "blockyard", summary: "serves R apps" }, commands),
    `Serves R apps.

Usage: blockyard COMMAND [OPTIONS]

Commands:
  serve      runs the host
  preflight  checks the host

"blockyard COMMAND --help" says more about a command.
`,
  );
});
