import { assertEquals, assertGreater, assertStringIncludes } from "#tests/support/assert.ts";
import { importProblem } from "./import_rules.ts";
import { importsOf, listFiles, ROOT } from "./source_tree.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "imports go down only, through doors, and packages stay where they may be",
  sanitize,
  () => {
    const modules = listFiles("main.ts", "ffi", "src", "tests", "scripts")
      .filter((path) => path.endsWith(".ts"));
    const imports = modules.flatMap((path) => importsOf(path, Deno.readTextFileSync(ROOT + path)));
    assertGreater(imports.length, 50, "the scanner found too few imports to be working");
    assertEquals(imports.map(importProblem).filter((problem) => problem !== undefined), []);
  },
);

Deno.test(
  "the launcher, which starts often, loads the C library and its own files only",
  sanitize,
  () => {
    const modules = listFiles("src/sandbox/bwrap_exec").filter((path) => path.endsWith(".ts"));
    const imports = modules.flatMap((path) => importsOf(path, Deno.readTextFileSync(ROOT + path)));
    assertGreater(imports.length, 5, "the scanner found too few imports to be working");
    const foreign = imports.filter(({ target = "" }) =>
      target !== "ffi/mod.ts" && !target.startsWith("src/sandbox/bwrap_exec/")
    );
    assertEquals(foreign.map(({ from, specifier }) => `${from} imports ${specifier}`), []);
  },
);

Deno.test("the scanner sees every form of import, and none in comments", sanitize, () => {
  const text = `
import a from "#src/core/mod.ts";
import {
  b,
} from "./b.ts";
import type { C } from "node:fs";
import "./side.ts";
export * from "./d.ts";
export { e } from '../e.ts';
// import x from "./x.ts";
/* import y from "./y.ts"; */
const f = await import("./f.ts");
const g = () => import(
  "node:os"
);
`;
  const seen = importsOf("src/rig/mod.ts", text).map((
    { specifier, target },
  ) => [specifier, target]);
  assertEquals(seen.sort(), [
    ["#src/core/mod.ts", "src/core/mod.ts"],
    ["../e.ts", "src/e.ts"],
    ["./b.ts", "src/rig/b.ts"],
    ["./d.ts", "src/rig/d.ts"],
    ["./f.ts", "src/rig/f.ts"],
    ["./side.ts", "src/rig/side.ts"],
    ["node:fs", undefined],
    ["node:os", undefined],
  ]);
});

const refused: readonly (readonly [from: string, specifier: string, reason: string])[] = [
  ["src/core/ids.ts", "#src/rig/mod.ts", "imports go down only"],
  ["src/rig/mod.ts", "#src/sandbox/mod.ts", "imports go down only"],
  ["src/backend/a.ts", "#src/sandbox/inner.ts", "only mod.ts"],
  ["src/backend/a.ts", "#ffi/mod.ts", "only src/sandbox"],
  ["src/backend/a.ts", "../core/mod.ts", "prefixes"],
  ["src/backend/a.ts", "#src/config/mod.ts", "imports go down only"],
  ["src/config/a.ts", "#src/rig/mod.ts", "config knows core only"],
  ["src/core/a.ts", "#tests/support/assert.ts", "its tools"],
  ["src/cli/serve.ts", "yaml", "only src/config/"],
  ["src/cli/serve.ts", "left-pad", "no place is known"],
  ["src/proxy/a.ts", "#src/system.ts", "imports go down only"],
];
for (const [from, specifier, reason] of refused) {
  Deno.test(`${from} may not import ${specifier}`, sanitize, () => {
    const [found] = importsOf(from, `import x from "${specifier}";`);
    assertStringIncludes((found && importProblem(found)) ?? "", reason);
  });
}

const accepted: readonly (readonly [from: string, specifier: string])[] = [
  ["src/sandbox/a.ts", "#ffi/mod.ts"],
  ["src/backend/proc/a.ts", "../slots.ts"],
  ["src/proxy/a.ts", "#src/backend/mod.ts"],
  ["src/system.ts", "#src/config/mod.ts"],
  ["src/config/yaml.ts", "yaml"],
  ["main.ts", "./src/cli/serve.ts"],
  ["src/core/build_info.ts", "../../deno.json"],
];
for (const [from, specifier] of accepted) {
  Deno.test(`${from} may import ${specifier}`, sanitize, () => {
    const [found] = importsOf(from, `import x from "${specifier}";`);
    assertEquals(found && importProblem(found), undefined);
  });
}
