import { type CommandSpec, parseCommand, unknownCommand } from "#src/cli/args.ts";
import { UsageError } from "#src/core/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const SPEC = {
  name: "logs",
  summary: "shows what a worker wrote",
  options: {
    config: { type: "string", short: "c", value: "FILE", help: "the configuration" },
    follow: { type: "boolean", short: "f", help: "go on with new lines" },
    only: { type: "string", multiple: true, value: "NAME", help: "only these" },
  },
  positionals: [{ name: "ID", help: "the id of a worker" }],
} as const satisfies CommandSpec;

const NONE = { config: undefined, follow: false, only: [] };

const READ: readonly [line: string, result: { options?: object; positionals?: string[] }][] = [
  ["w1", {}],
  ["w1 --config a.yaml", { options: { config: "a.yaml" } }],
  ["--config=a.yaml w1", { options: { config: "a.yaml" } }],
  ["-c a.yaml w1", { options: { config: "a.yaml" } }],
  ["-ca.yaml w1", { options: { config: "a.yaml" } }],
  ["-fc a.yaml w1", { options: { config: "a.yaml", follow: true } }],
  ["w1 --config=", { options: { config: "" } }],
  ["w1 --config=--x", { options: { config: "--x" } }],
  ["w1 --config -", { options: { config: "-" } }],
  ["-f -f w1", { options: { follow: true } }],
  ["w1 --only a --only b", { options: { only: ["a", "b"] } }],
  ["-- --w1", { positionals: ["--w1"] }],
];
for (const [line, { options = {}, positionals = ["w1"] }] of READ) {
  Deno.test(`parseCommand() reads ${JSON.stringify(line)}`, SANE, () => {
    const parsed = parseCommand(SPEC, line.split(" "));
    assertEquals({ ...parsed.options }, { ...NONE, ...options });
    assertEquals<readonly string[]>(parsed.positionals, positionals);
    assertEquals([parsed.help, parsed.passthrough], [false, []]);
  });
}

const REFUSED: readonly [line: string, message: string][] = [
  ["", "ID is missing: want the id of a worker"],
  ["w1 w2", 'unexpected argument "w2": want ID'],
  ["w1 --confg a", "unknown option --confg: want --config"],
  ["w1 --Follow", "unknown option --Follow: want --follow"],
  ["w1 --zzzzzz=1", "unknown option --zzzzzz: want one of those that --help lists"],
  ["w1 -x", "unknown option -x: want one of those that --help lists"],
  ["w1 --toString", "unknown option --toString: want one of those that --help lists"],
  ["w1 --config", "option --config has no value: want --config FILE"],
  ["w1 -c", "option -c has no value: want -c FILE"],
  [
    "w1 --config --follow",
    "option --config has no value: want --config FILE, or --config=--follow if --follow is meant as the value",
  ],
  ["w1 --config a --config b", "option --config is given twice: want it once"],
  ["w1 --config a -c b", "option -c is given twice: want it once"],
  ["w1 --follow=yes", "option --follow has a value: want none"],
  ["w1 --no-follow", "unknown option --no-follow: want --follow"],
];
for (const [line, message] of REFUSED) {
  Deno.test(`parseCommand() refuses ${JSON.stringify(line)}`, SANE, () => {
    const args = line.split(" ").filter((arg) => arg !== "");
    assertEquals(assertThrows(() => parseCommand(SPEC, args), UsageError).message, message);
  });
}

for (const line of ["--help", "-h", "w1 w2 --help", "--nonsense -h"]) {
  Deno.test(`parseCommand() asks for help and checks nothing else in ${line}`, SANE, () => {
    const parsed = parseCommand(SPEC, line.split(" "));
    assertEquals([parsed.help, { ...parsed.options }], [true, NONE]);
  });
}

const RUN = {
  name: "run",
  summary: "runs a program",
  options: { uid: { type: "string", help: "the uid" } },
  passthrough: { name: "PROGRAM ARGS...", help: "what to run" },
} as const satisfies CommandSpec;

Deno.test("parseCommand() hands on what comes after -- untouched", SANE, () => {
  const parsed = parseCommand(RUN, ["--uid", "5", "--", "ls", "--help", "--uid", "6", "--", "-x"]);
  assertEquals(parsed.help, false);
  assertEquals(parsed.options.uid, "5");
  assertEquals<readonly string[]>(parsed.passthrough, ["ls", "--help", "--uid", "6", "--", "-x"]);
  assertEquals<readonly string[]>(parseCommand(RUN, []).passthrough, []);
});

Deno.test("parseCommand() takes no -- for the value of an option", SANE, () => {
  const error = assertThrows(() => parseCommand(RUN, ["--uid", "--", "ls"]), UsageError);
  assertEquals(error.message, "option --uid has no value: want --uid VALUE");
});

Deno.test("parseCommand() refuses arguments of a command that has none", SANE, () => {
  const error = assertThrows(() => parseCommand(RUN, ["x"]), UsageError);
  assertEquals(error.message, 'unexpected argument "x": want none');
});

Deno.test("parseCommand() takes optional and many positional arguments", SANE, () => {
  const spec = {
    name: "rollback",
    summary: "goes back",
    positionals: [
      { name: "APP", help: "the app" },
      { name: "BUNDLE", help: "the bundles", optional: true, many: true },
    ],
  } as const satisfies CommandSpec;
  for (const args of [["a"], ["a", "b"], ["a", "b", "c"]]) {
    assertEquals<readonly string[]>(parseCommand(spec, args).positionals, args);
  }
  assertThrows(() => parseCommand(spec, []), UsageError, "APP is missing");
});

Deno.test("unknownCommand() names the nearest command, or all", SANE, () => {
  const known = ["serve", "preflight"];
  assertEquals(unknownCommand("serv", known).message, 'unknown command "serv": want "serve"');
  assertEquals(
    unknownCommand("x", known).message,
    'unknown command "x": want one of serve, preflight',
  );
});
