import { assertEquals, assertGreater } from "#tests/support/assert.ts";
import { listFiles, ROOT } from "./source_tree.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };
const MAX_LINES = 400;

/** In two halves each, so that this file does not hold what it looks for. */
const FOREIGN: readonly (readonly [string, string])[] = [
  ["registry.npm", "js.org"],
  ["registry.yarn", "pkg.com"],
  ["js", "r.io"],
  ["py", "pi.org"],
  ["files.python", "hosted.org"],
  ["crates", ".io"],
  ["proxy.go", "lang.org"],
  ["repo1.ma", "ven.org"],
  ["repo.ma", "ven.apache.org"],
  ["deb.deb", "ian.org"],
  ["/wo", "rk/"],
  ["/tmp/deno", "inst"],
  ["/ro", "ot/.cache"],
];

const isText = (path: string) =>
  /\.(?:ts|js|json|md|sh|R|yaml|yml|lock|css|html)$|\/run$/.test(path);

Deno.test("no source file is longer than a reader can hold", sanitize, () => {
  const long = listFiles("main.ts", "ffi", "src", "scripts", "tests")
    .filter((path) => path.endsWith(".ts"))
    .map((path) => ({ path, lines: Deno.readTextFileSync(ROOT + path).split("\n").length - 1 }))
    .filter(({ lines }) => lines > MAX_LINES);
  assertEquals(long, []);
});

Deno.test("the tree names no machine's paths and no host of a package registry", sanitize, () => {
  const files = listFiles(".").filter(isText);
  assertGreater(files.length, 20, "the walk found too few files to be working");
  const found = files.flatMap((path) => {
    const text = Deno.readTextFileSync(ROOT + path);
    return FOREIGN.map((halves) => halves.join("")).filter((word) => text.includes(word))
      .map((word) => `${path}: ${word}`);
  });
  assertEquals(found, []);
});

Deno.test("file names are in lower case with underscores", sanitize, () => {
  const odd = listFiles("ffi", "src", "scripts", "tests")
    .filter((path) => !path.startsWith("tests/testdata/") && path.endsWith(".ts"))
    .filter((path) => !/^[a-z0-9_/]+\.ts$/.test(path));
  assertEquals(odd, []);
});
