import type { BuildInfo } from "#src/core/mod.ts";

/** What of the repository becomes the program. */
const SOURCES = ["main.ts", "deno.json", "deno.lock", "ffi", "src"];

/**
 * Copies the sources of the program into an empty folder, with a `build_info.ts` that knows how the
 * program was built. Building the copy keeps the working tree untouched, and embedded paths alike
 * wherever the checkout lies.
 *
 * @param root The repository.
 * @param options `to` is an existing empty folder; `info` is what the program will say of itself.
 */
export async function stageSources(
  root: string,
  options: { to: string; info: BuildInfo },
): Promise<void> {
  for (const name of SOURCES) await copy(`${root}/${name}`, `${options.to}/${name}`);
  await Deno.writeTextFile(`${options.to}/src/core/build_info.ts`, buildInfoModule(options.info));
}

/**
 * The text of `src/core/build_info.ts` in a build.
 *
 * @param info What the program will say of itself.
 * @returns A TypeScript module.
 */
export function buildInfoModule(info: BuildInfo): string {
  return `export interface BuildInfo {
  readonly version: string;
  readonly kind: "source" | "compiled" | "single-file";
  readonly commit: string;
}
export const BUILD_INFO: BuildInfo = ${JSON.stringify(info)};
`;
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const entry of Deno.readDir(from)) {
    await copy(`${from}/${entry.name}`, `${to}/${entry.name}`);
  }
}
