import { join } from "node:path";
import { compareVersions, parseFolderName, type RVersion } from "./version.ts";

/** An entry below the base that is named like a version. */
export interface VersionEntry {
  /** The version that its name says. */
  readonly version: RVersion;
  /** Where its R program is, or should be. */
  readonly rPath: string;
  /** Whether that is an executable file; only such a version is ever chosen. */
  readonly isUsable: boolean;
}

/**
 * Lists the R versions below a folder laid out as rig does it on Linux: `BASE/4.4.2/bin/R`
 * (<https://github.com/r-lib/rig>).
 *
 * Counted are folders named by one to three numbers, with or without a suffix (`4.4.2-arm64`),
 * whose `bin/R` is an executable file. A folder, or its `bin/R`, may be a symlink that leads out of
 * the base: what is below the base belongs to the operator. Moving names (`current`, `devel`,
 * `next`) are not versions.
 *
 * @param base The folder, such as `/opt/R`.
 * @returns The names in numeric order, oldest first; empty when the base does not exist.
 * @throws {Error} When the base is there and cannot be listed.
 */
export async function installedRVersions(base: string): Promise<string[]> {
  return (await listVersions(base)).map((version) => version.text);
}

/**
 * As {@linkcode installedRVersions}, with the versions taken apart.
 *
 * @param base The folder, such as `/opt/R`.
 * @returns The versions in numeric order, oldest first.
 * @throws {Error} When the base is there and cannot be listed.
 */
export async function listVersions(base: string): Promise<RVersion[]> {
  const entries = await versionEntries(base);
  return entries.filter(({ isUsable }) => isUsable).map(({ version }) => version);
}

/**
 * Lists all that is named like a version below the base, also what cannot be used.
 *
 * @param base The folder, such as `/opt/R`.
 * @returns The entries in numeric order, oldest first; empty when the base does not exist.
 * @throws {Error} When the base is there and cannot be listed.
 */
export async function versionEntries(base: string): Promise<VersionEntry[]> {
  const named = (await entryNames(base)).map(parseFolderName).filter((v) => v !== undefined);
  return await Promise.all(
    named.sort(compareVersions).map(async (version) => {
      const rPath = rBinaryPath(base, version);
      return { version, rPath, isUsable: await isExecutableFile(rPath) };
    }),
  );
}

/**
 * Where rig's layout has the R program of a version.
 *
 * @param base The folder, such as `/opt/R`.
 * @param version The version; its text is one segment of a path.
 * @returns The path of `bin/R`.
 */
export function rBinaryPath(base: string, version: RVersion): string {
  return join(base, version.text, "bin", "R");
}

async function entryNames(base: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(base)) names.push(entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new Error(`cannot list the R versions in ${base}: want a folder that can be read`, {
      cause: error,
    });
  }
  return names;
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.FilesystemLoop
    ) return false;
    throw new Error(`cannot look whether ${path} is an R program`, { cause: error });
  }
}
