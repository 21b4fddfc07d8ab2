import type { AppFiles, Bind } from "#src/sandbox/mod.ts";
import type { AppSource, Mount } from "./backend.ts";

/**
 * Follows the links in the sources of mounts, so that bwrap meets none.
 *
 * @param mounts What an app is to see.
 * @returns The same, with canonical sources.
 * @throws {Error} When a source is not there.
 */
export function canonicalBinds(mounts: readonly Mount[]): Promise<Bind[]> {
  return Promise.all(mounts.map(async ({ source, target, readOnly }) => {
    try {
      return { source: await Deno.realPath(source), target, readOnly };
    } catch (error) {
      throw new Error(`cannot mount ${source} at ${target}`, { cause: error });
    }
  }));
}

/**
 * Finds the files of an app.
 *
 * @param source Where they come from.
 * @returns What is shown at `/app`.
 * @throws {Error} When the folder is not there, or is none.
 */
export async function appFiles(source: AppSource): Promise<AppFiles> {
  if (source.kind === "files") return source;
  let path: string;
  try {
    path = await Deno.realPath(source.path);
  } catch (error) {
    throw new Error(`cannot find the app's folder ${source.path}`, { cause: error });
  }
  if (!(await Deno.stat(path)).isDirectory) throw new Error(`${source.path} is not a folder`);
  return { kind: "directory", path };
}
