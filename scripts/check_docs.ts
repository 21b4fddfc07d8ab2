// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * Checks the comments of what the modules of `ffi` and `src` export. `deno doc --lint` looks at the
 * doors, which are each folder's `mod.ts` and the modules directly in `src`; the rules that it does
 * not have are held against every module.
 *
 *     deno run -A scripts/check_docs.ts
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { run } from "./support/run.ts";
import { checkDocs } from "./docs/rules.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

if (import.meta.main) {
  const modules = [...findModules("ffi"), ...findModules("src")];
  const doors = modules.filter((path) => /\/mod\.ts$|^src\/[^/]+$/.test(path));
  const lint = new Deno.Command(Deno.execPath(), {
    args: ["doc", "--quiet", "--lint", ...doors],
    cwd: root,
    stdout: "null",
  });
  const { success } = await lint.spawn().status;
  const output = await run(Deno.execPath(), ["doc", "--quiet", "--json", ...modules], {
    cwd: root,
  });
  const problems = checkDocs(
    JSON.parse(output),
    (url) => Deno.readTextFileSync(fileURLToPath(url)).split("\n"),
  );
  for (const { location, message } of problems) {
    const path = fileURLToPath(location.filename).slice(root.length);
    console.error(`${path}:${location.line} ${message}`);
  }
  if (problems.length > 0 || !success) Deno.exit(1);
}

/** The modules in a folder and all folders below, as paths from the root. */
function findModules(folder: string): string[] {
  return Array.from(Deno.readDirSync(root + folder))
    .sort((a, b) => a.name.localeCompare(b.name))
    .flatMap(({ name, isDirectory }) => {
      if (isDirectory) return findModules(`${folder}/${name}`);
      return name.endsWith(".ts") ? [`${folder}/${name}`] : [];
    });
}
