/**
 * The programs of the attempts, compiled from C.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { run } from "#scripts/support/run.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";

/** What compiling them takes. */
export const COMPILER = "/usr/bin/gcc";

const FLAGS = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror"];
const source = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

/** The programs that run on the host or in a sandbox, and a library; by the flags that each takes. */
const SINGLE: Readonly<Record<string, readonly string[]>> = {
  "supervisor": ["-lutil"],
  "victim": ["-lrt"],
  "set_id": [],
  "preload.so": ["-shared", "-fPIC"],
};

/**
 * Compiles all of them, and the probe.
 *
 * @param folder Where they go.
 * @returns The folder that they are in.
 * @throws {Error} When the compiler fails or warns.
 */
export async function compilePrograms(folder: TempFolder): Promise<string> {
  const into = await folder.folder("programs");
  const probe = Array.from(Deno.readDirSync(source("probe")))
    .map(({ name }) => source(`probe/${name}`))
    .filter((path) => path.endsWith(".c"));
  const objects = await Promise.all(probe.map(async (path, index) => {
    const object = `${into}/${index}.o`;
    await run(COMPILER, [...FLAGS, "-c", "-o", object, path]);
    return object;
  }));
  await Promise.all([
    run(COMPILER, ["-o", `${into}/probe`, ...objects, "-lutil", "-lrt", "-lpthread"]),
    ...Object.entries(SINGLE).map(([name, flags]) => {
      const path = source(`surroundings/${name.replace(/\.so$/, "")}.c`);
      return run(COMPILER, [...FLAGS, "-o", `${into}/${name}`, path, ...flags]);
    }),
  ]);
  await Promise.all(objects.map((object) => Deno.remove(object)));
  return into;
}
