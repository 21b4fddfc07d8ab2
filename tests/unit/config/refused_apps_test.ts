import { assertEquals } from "#tests/support/assert.ts";
import { inApp, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Each is given without the name of the file: `line:column key: what is wrong`. */
const APPS: readonly [what: string, lines: string, problems: string[]][] = [
  ["an app without anything", "apps:\n  a:", [
    '2:5 apps.a: is empty, want a mapping with at least "path"',
  ]],
  ["a path instead of an app", "apps:\n  a: /srv", [
    '2:6 apps.a: "/srv" is text, want a mapping with at least "path"',
  ]],
  ["an app without a path", "apps:\n  a: {}", [
    "2:3 apps.a.path: is missing, want the path of the folder with the app's files",
  ]],
  ["a bad app name", "apps:\n  a b:\n    path: /a\n", [
    '2:3 apps."a b": cannot use "a b" as the name of an app: want 1 to 63 letters, digits, "_", "." or "-", a letter or digit first',
  ]],
  ["two names that differ in case", "apps:\n  Hello:\n    path: /a\n  hello:\n    path: /b\n", [
    '4:3 apps.hello: differs from the app "Hello" in its case alone, want a name that people can tell apart',
  ]],
  ["a path with a tilde", "apps:\n  a:\n    path: ~/a\n", [
    '3:11 apps.a.path: cannot use the path "~/a": "~" is not expanded here, want the whole path',
  ]],
  [
    "more warm workers than workers in all",
    "apps:\n  a:\n    path: /a\n    max_workers: 50\n    warm_workers: 50\n  b:\n    path: /b\n    max_workers: 60\n    warm_workers: 60\n",
    ["9:19 apps.b.warm_workers: the warm workers of all apps are 110, want at most proxy.max_workers, 100"],
  ],
];
const APP: readonly [what: string, lines: string, problems: string[]][] = [
  ["a text as a command", "cmd: Rscript", [
    '4:10 apps.a.cmd: "Rscript" is text, want a list with the program and its arguments such as ["Rscript", "app.R"]',
  ]],
  ["an empty command", "cmd: []", [
    '4:10 apps.a.cmd: is empty, want a list with the program and its arguments such as ["Rscript", "app.R"]',
  ]],
  ["a command without a program", "cmd: ['', x]", [
    '4:11 apps.a.cmd[0]: cannot run "": want the name or path of a program',
  ]],
  ["a command with nothing in it", "cmd: [R, null]", ["4:14 apps.a.cmd[1]: is empty, want text"]],
  ["a list within a command", "cmd: [[R]]", ["4:11 apps.a.cmd[0]: is a list, want text"]],
  ["a network that there is not", "network: bridge", [
    '4:14 apps.a.network: "bridge" is not known, want one of host, none',
  ]],
  [
    "a port without a network",
    "network: none\ncmd: [serve, '--at={host}:{port}', '{socket}']",
    [
      "5:18 apps.a.cmd[1]: {host} has no meaning with network: none, want {socket}, the path of a unix socket to listen on",
    ],
  ],
  ["a socket on the host's network", "cmd: [serve, '{socket}']", [
    "4:18 apps.a.cmd[1]: {socket} has no meaning with network: host, want {host} and {port} to listen on",
  ]],
  ["a path as an R version", "r_version: ../x", [
    '4:16 apps.a.r_version: cannot use "../x" as an R version: want one such as 4.4 or 4.4.2',
  ]],
  ["a pattern as an R version", "r_version: 4.*", [
    '4:16 apps.a.r_version: cannot use "4.*" as an R version: want one such as 4.4 or 4.4.2',
  ]],
  ["an R version of four parts", "r_version: 4.4.2.1", [
    '4:16 apps.a.r_version: cannot use "4.4.2.1" as an R version: want one such as 4.4 or 4.4.2',
  ]],
  ["a truth value as an R version", "r_version: true", [
    '4:16 apps.a.r_version: cannot use "true" as an R version: want one such as 4.4 or 4.4.2',
  ]],
  ["no sessions at all", "max_sessions_per_worker: 0", [
    "4:30 apps.a.max_sessions_per_worker: 0 is too small, want a whole number from 1 to 10000",
  ]],
  ["a negative number of warm workers", "warm_workers: -1", [
    "4:19 apps.a.warm_workers: -1 is too small, want a whole number from 0 to 10000",
  ]],
  ["more warm workers than workers", "warm_workers: 11", [
    "4:19 apps.a.warm_workers: warm_workers 11 is above max_workers 10, want it at or below",
  ]],
  ["a setting of a later time", "strategy: docker", [
    "4:5 apps.a.strategy: is not a known key, want one of path, cmd, network, r_version, max_sessions_per_worker, max_workers, warm_workers, memory_limit, cpu_limit, env, mounts",
  ]],
  ["a memory limit that is no size", "memory_limit: much", [
    '4:19 apps.a.memory_limit: cannot read "much" as a size: want bytes or a number with k, m or g',
  ]],
  ["too many cores", "cpu_limit: 9000", [
    "4:16 apps.a.cpu_limit: cannot use 9000: want a number of cores from 0.01 to 8192, or 0 for no limit",
  ]],
  ["a list of mounts that is a text", "mounts: /data", [
    '4:13 apps.a.mounts: "/data" is text, want a list of mounts',
  ]],
  ["a mount that is a text", "mounts:\n  - /data", [
    '5:9 apps.a.mounts[0]: "/data" is text, want a mapping with source and target',
  ]],
  ["a mount without a target", "mounts:\n  - {source: /x}", [
    "5:9 apps.a.mounts[0].target: is missing, want a top-level name such as /data",
  ]],
  ["a mount of a relative path", "mounts:\n  - {source: x, target: /data}", [
    '5:18 apps.a.mounts[0].source: cannot use the relative path "x": want an absolute one that starts with "/"',
  ]],
  ["a mount below a top-level name", "mounts:\n  - {source: /x, target: /data/y}", [
    '5:30 apps.a.mounts[0].target: cannot mount at "/data/y": want one top-level name such as "/data"',
  ]],
  ["a mount over the sandbox's own", "mounts:\n  - {source: /x, target: /etc}", [
    '5:30 apps.a.mounts[0].target: cannot mount at "/etc": the sandbox uses that name itself, want another one such as "/data"',
  ]],
  [
    "two mounts at one target",
    "mounts:\n  - {source: /x, target: /d}\n  - {source: /y, target: /d}",
    ["6:30 apps.a.mounts[1].target: mounts[0] is already at /d, want each target once"],
  ],
  ["a misspelt key of a mount", "mounts:\n  - {source: /x, target: /d, readonly: true}", [
    '5:34 apps.a.mounts[0].readonly: is not a known key, want "read_only"',
  ]],
  ["a text as a truth value", "mounts:\n  - {source: /x, target: /d, read_only: 'yes'}", [
    '5:45 apps.a.mounts[0].read_only: "yes" is text, want true or false',
  ]],
  ["a list as an environment", "env: [A=b]", [
    "4:10 apps.a.env: is a list, want a mapping of names to texts",
  ]],
  ["a bad name of a variable", "env:\n  1A: s3cret", [
    '5:7 apps.a.env.1A: cannot use "1A" as the name of a variable: want letters, digits and "_", no digit first',
  ]],
  ["a list as a variable", "env:\n  A: [s3cret]", [
    '5:10 apps.a.env.A: is a list, want text such as "abc", or "" for none',
  ]],
  ["a variable without a value", "env:\n  A:", [
    '5:9 apps.a.env.A: is empty, want text such as "abc", or "" for none',
  ]],
  ["a variable with a NUL byte", 'env:\n  A: "s3cret\\0"', [
    "5:10 apps.a.env.A: cannot use a text with a NUL byte in it: want one without",
  ]],
  ["a text as an environment", "env: s3cret", [
    "4:10 apps.a.env: is text, want a mapping of names to texts",
  ]],
];
for (const [what, lines, problems] of APPS) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(problemsOf(lines), problems.map((problem) => `/etc/c.yaml:${problem}`));
  });
}
for (const [what, lines, problems] of APP) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(problemsOf(inApp(lines)), problems.map((problem) => `/etc/c.yaml:${problem}`));
  });
}
