import { ConfigError, loadConfig, renderProblems } from "#src/config/mod.ts";
import { UsageError } from "#src/core/mod.ts";
import { assert, assertEquals, assertNotMatch, assertThrows } from "#tests/support/assert.ts";
import { inApp, load, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const MANY = `proxy:
  max_workers: 0
server:
  bnid: 127.0.0.1:80
  log_level: loud
  log_level: info
process:
  worker_uid_range_start: 500
  worker_uid_range_end: 600
apps:
  b!:
    path: ~/b
    warm_workers: 5
    max_workers: 2
  a:
    env: {1A: s3cret, B: [s3cret]}
    mounts:
      - {source: /x, target: /d}
      - {source: /y, target: /d}
`;

Deno.test(
  "loadConfig() reports all problems at once, the file in its order and the rest after it",
  SANE,
  () => {
    assertEquals(
      problemsOf(MANY, { env: { BLOCKYARD_PROXY_HEALTH_INTERVAL: "1" }, isRoot: false }),
      [
        "/etc/c.yaml:2:16 proxy.max_workers: 0 is too small, want a whole number from 1 to 10000",
        '/etc/c.yaml:4:3 server.bnid: is not a known key, want "bind"',
        '/etc/c.yaml:5:14 server.log_level: "loud" is not known, want one of debug, info, warn, error',
        "/etc/c.yaml:6:3 server.log_level: is there twice (line 5), want it once",
        "/etc/c.yaml:8:27 process.worker_uid_range_start: 500 is too small, want a whole number from 1000 to 4294967294",
        "/etc/c.yaml:9:25 process.worker_uid_range_end: 600 is too small, want a whole number from 1000 to 4294967294",
        '/etc/c.yaml:11:3 apps."b!": cannot use "b!" as the name of an app: want 1 to 63 letters, digits, "_", "." or "-", a letter or digit first',
        '/etc/c.yaml:12:11 apps."b!".path: cannot use the path "~/b": "~" is not expanded here, want the whole path',
        '/etc/c.yaml:13:19 apps."b!".warm_workers: warm_workers 5 is above max_workers 2, want it at or below',
        "/etc/c.yaml:15:3 apps.a.path: is missing, want the path of the folder with the app's files",
        '/etc/c.yaml:16:11 apps.a.env.1A: cannot use "1A" as the name of a variable: want letters, digits and "_", no digit first',
        '/etc/c.yaml:16:26 apps.a.env.B: is a list, want text such as "abc", or "" for none',
        "/etc/c.yaml:19:30 apps.a.mounts[1].target: mounts[0] is already at /d, want each target once",
        'BLOCKYARD_PROXY_HEALTH_INTERVAL: cannot read "1" as a duration: want a number with ms, s, m or h, such as 30s',
        "server.data_dir: has no default, because HOME and XDG_STATE_HOME are not set, want an absolute path",
      ],
    );
  },
);

Deno.test("ConfigError carries each problem with its place, and is a UsageError", SANE, () => {
  const error = assertThrows(() => load("server: {bind: 5}"), ConfigError);
  assert(error instanceof UsageError);
  assertEquals(error.name, "ConfigError");
  assertEquals(error.problems, [{
    origin: { kind: "file", file: "/etc/c.yaml", line: 1, column: 16 },
    path: ["server", "bind"],
    message: "5 is a number, want host:port such as 127.0.0.1:8080",
  }]);
  assertEquals(renderProblems(error.problems), error.message);
});

Deno.test(
  "problems of a file that is no YAML hide those that follow from it, but not the environment's",
  SANE,
  () => {
    const text = "server:\n  bind: 'x\nproxy:\n  nonsense: [\n";
    assertEquals(problemsOf(text, { env: { BLOCKYARD_PROXY_MAX_WORKERS: "0" } }), [
      '/etc/c.yaml:5:1: a colon, a comma or a closing quote is missing, want "key: value"',
      "BLOCKYARD_PROXY_MAX_WORKERS: 0 is too small, want a whole number from 1 to 10000",
    ]);
  },
);

Deno.test("a file with problems in every line reports the first ten", SANE, () => {
  assertEquals(problemsOf("\ta: @\n".repeat(50)).length, 10);
});

Deno.test("a file that cannot be read is one problem with its reason", SANE, () => {
  const readFile = () => {
    throw new Deno.errors.NotFound("No such file or directory (os error 2)");
  };
  const error = assertThrows(
    () => loadConfig({ path: "no.yaml", env: {}, isRoot: true, readFile }),
    ConfigError,
  );
  assertEquals(
    error.message,
    "cannot read no.yaml: No such file or directory (os error 2), want a readable YAML file",
  );
});

const SECRETS: readonly [what: string, text: string][] = [
  ["a value of the wrong type", inApp("env: {A: [s3cret]}")],
  ["a value with a NUL byte", inApp('env: {A: "s3cret\\0"}')],
  ["an environment that is text", inApp("env: s3cret")],
  ["an environment that is a list", inApp("env: [A=s3cret]")],
  ["an environment that is not indented", inApp("env:\nA: s3cret")],
  ["a quote that is not closed", inApp("env: {A: 's3cret}")],
  ["text after a quoted value", inApp("env:\n  A: 'x' s3cret")],
  ["an escape that is unknown", inApp('env:\n  A: "s3cret\\q"')],
  ["a second colon", inApp("env:\n  A: s3cret: s3cret")],
  ["a value that is taken for an alias", inApp("env: {A: *s3cret}")],
  ["a value that is taken for a tag", inApp("env: {A: !s3cret}")],
  ["a value that is taken for a reserved character", inApp("env: {A: @s3cret}")],
  ["a value after a list", "- a\ns3cret: s3cret"],
];
for (const [what, text] of SECRETS) {
  Deno.test(`no message repeats what an app's environment holds: ${what}`, SANE, () => {
    assertNotMatch(problemsOf(text).join("\n"), /s3cret/);
  });
}

Deno.test("loadConfig() refuses aliases that stand for millions of values", SANE, () => {
  const ten = (name: string) => Array(10).fill(`*${name}`).join(", ");
  const text = inApp(
    `cmd: &a [${Array(10).fill("x").join(", ")}]\n` +
      "abcdef".split("").map((name, index, names) =>
        index === 0 ? "" : `${name}: &${name} [${ten(names[index - 1] ?? "")}]`
      ).join("\n"),
  );
  const bombs = problemsOf(text).filter((problem) => problem.includes("alias"));
  assertEquals(bombs, [
    "/etc/c.yaml:8:40 apps.a.d[7]: the aliases up to here stand for too much, want 10000 values in all at most",
  ]);
});

for (
  const [what, text] of [
    ["lists", "[".repeat(10_000)],
    ["lists that are closed", `a: ${"[".repeat(40)}${"]".repeat(40)}`],
    ["mappings", Array.from({ length: 40 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${what} that are nested too deeply`, SANE, () => {
    const deep = problemsOf(text).filter((problem) => problem.includes("nested too deeply"));
    assertEquals(deep.length, 1);
  });
}

Deno.test("a key that is wrong by itself is not also measured by its default", SANE, () => {
  assertEquals(problemsOf("process: {port_range_start: 80, port_range_end: 9000}"), [
    "/etc/c.yaml:1:29 process.port_range_start: 80 is too small, want a whole number from 1024 to 65535",
  ]);
});
