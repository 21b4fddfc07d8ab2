import { assertEquals } from "#tests/support/assert.ts";
import { problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

/** Each is given without the name of the file: `line:column key: what is wrong`. */
const DOCUMENTS: readonly [what: string, lines: string, problems: string[]][] = [
  ["a bracket that is not closed", "server: [1", [
    "1:11: the indentation does not fit or a bracket is not closed, want the keys of one level in one column",
  ]],
  ["a tab as indentation", "\tserver: 1", ["1:1: a tab is used as indentation, want spaces"]],
  ["a quote that is not closed", "server: {bind: 'x}", [
    '1:19: a colon, a comma or a closing quote is missing, want "key: value"',
  ]],
  ["an unknown escape", 'server:\n  bind: "\\q"', [
    "2:10: an escape in double quotes is unknown, want \\\\ for a backslash, or single quotes",
  ]],
  ["a mapping within a line", "server:\n  bind: a: b", [
    "2:9: a second mapping or list starts within a line, want it on its own line",
  ]],
  ["a second document", "---\nserver:\n---\nproxy:\n", [
    "3:1: a second document starts, want one document in a file",
  ]],
  ["a tag", "server: !x {}", [
    "1:9: a tag does not fit or is not known, want the value without a tag",
  ]],
  ["a directive", "%FOO\n---\nserver:", [
    "1:1: a line that starts with % is no known directive, want none",
  ]],
  ["a reserved character", "server:\n  bind: @x", [
    "2:9: a value starts with a character that YAML reserves, want quotes around the value",
  ]],
  ["a key after a list", "- a\nb: 1", [
    '2:1: something stands where it cannot, want "key: value" or "- item"',
  ]],
  ["keys of one level in two columns", "server:\n   bind: 127.0.0.1:1\n  log_level: info", [
    "3:1: the indentation does not fit or a bracket is not closed, want the keys of one level in one column",
  ]],
  ["two anchors", "server: &a &b {}", ["1:12: a value has two anchors, want one"]],
  ["a key over two lines", "server\nproxy: {}", [
    '1:1: a key goes over several lines, want "key: value" on one line',
  ]],
  ["an alias without an anchor", "server: *x", [
    "1:9 server: an alias has no anchor before it, want one, or quotes around a text that starts with *",
  ]],
  ["an alias within its own anchor", "server: &x {bind: *x}", [
    "1:19 server.bind: an alias has no anchor before it, want one, or quotes around a text that starts with *",
  ]],
  ["a list as a key", "? [a]\n: 1", [
    "1:3: a key is a list, a mapping or an alias, want plain text",
  ]],
  ["a merge key", "server:\n  <<: {bind: a}", [
    "2:3 server: merging with << is not supported, want the keys written out",
  ]],
  ["a key that would change a prototype", "__proto__: 1", [
    "1:1: the key __proto__ cannot be used, want another name",
  ]],
  ["a text instead of a mapping", "hello", [
    '1:1: "hello" is text, want a mapping with server, process, firewall, proxy, database, redis and apps',
  ]],
  ["a list instead of a mapping", "[1]", [
    "1:1: is a list, want a mapping with server, process, firewall, proxy, database, redis and apps",
  ]],
  ["a key that is there twice", "server:\n  bind: 127.0.0.1:1\n  bind: 127.0.0.1:2\n", [
    "3:3 server.bind: is there twice (line 2), want it once",
  ]],
  ["a section that is there twice", "server: {}\nserver: {}\n", [
    "2:1 server: is there twice (line 1), want it once",
  ]],
  ["an unknown section", "wallpaper:\n  mode: off\n", [
    "1:1 wallpaper: is not a known key, want one of server, process, firewall, proxy, database, redis, apps",
  ]],
  ["an unknown section without anything in it", "prozess:\n", [
    '1:1 prozess: is not a known key, want "process"',
  ]],
  ["a number as a section", "server: 5", [
    "1:9 server: 5 is a number, want a mapping of keys to values",
  ]],
  ["an empty list as a section", "server: []", [
    "1:9 server: is a list, want a mapping of keys to values",
  ]],
  ["a list of apps", "apps: []", ["1:7 apps: is a list, want a mapping of names to apps"]],
];
for (const [what, lines, problems] of DOCUMENTS) {
  Deno.test(`loadConfig() refuses ${what}`, SANE, () => {
    assertEquals(problemsOf(lines), problems.map((problem) => `/etc/c.yaml:${problem}`));
  });
}
