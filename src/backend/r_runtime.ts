import { errorMessage, NotFoundError } from "#src/core/mod.ts";
import {
  checkRVersion,
  inspectRInstallation,
  resolveRBinary,
  type RInstallation,
} from "#src/rig/mod.ts";
import type { Bind } from "#src/sandbox/mod.ts";

/** An R as a sandbox needs it. */
export interface RRuntime {
  /** Absolute path of R, the same inside and outside of the sandbox. */
  readonly rPath: string;
  /** Searched first for programs, so that `R` and `Rscript` are this version's. */
  readonly binFolders: readonly string[];
  /** What has to be shown in the sandbox besides `/usr`. */
  readonly toolTrees: readonly Bind[];
}

/**
 * Finds the R for a worker.
 *
 * @param version `4.4`, `4.4.2`, or empty for the configured R.
 * @param options `rigBase` is where versions are installed, `/opt/R`; `fallback` is the absolute
 * path of the configured R.
 * @returns The R and what it takes to run it in a sandbox.
 * @throws {NotFoundError} When no installed R is of that version; the configured one serves if it is.
 * @throws {RangeError} When the version does not look like one.
 */
export async function resolveRuntime(
  version: string,
  { rigBase, fallback }: { rigBase: string; fallback: string },
): Promise<RRuntime> {
  const { path, fellBack } = await resolveRBinary(version, { base: rigBase, fallback });
  const installation = await inspectRInstallation(path);
  if (fellBack && !isOfVersion(installation.version, version)) {
    const missing = await checkRVersion(version, { base: rigBase })
      .then(() => `cannot serve R ${version}`, errorMessage);
    throw new NotFoundError(`${missing}, and ${path} is R ${installation.version}`);
  }
  return {
    rPath: path,
    binFolders: [path.slice(0, path.lastIndexOf("/")), `${installation.home}/bin`],
    toolTrees: toolTrees(installation),
  };
}

/**
 * Tells whether an R may serve a request.
 *
 * @param actual The full version of an R, such as `4.4.2`.
 * @param wanted What is asked for: `4.4.2`, `4.4`, `4` or empty for any.
 * @returns Whether they agree as far as `wanted` goes.
 */
export function isOfVersion(actual: string, wanted: string): boolean {
  return wanted === "" || actual === wanted || actual.startsWith(`${wanted}.`);
}

/**
 * What of an R lies outside `/usr`. Its whole prefix is shown where that is a folder made for it,
 * since R built by other package managers has its libraries beside it; a prefix that is a home or
 * a top-level folder holds other things, so that only R's own folder and program are shown.
 */
function toolTrees({ path, home, prefix }: RInstallation): Bind[] {
  const show = (source: string, target = source) => ({ source, target, readOnly: true });
  if (prefix === "/usr" || prefix.startsWith("/usr/")) return [];
  const depth = prefix.split("/").length - 1;
  const isShared = depth < 2 || /^\/(home|root|Users)(\/[^/]+)?$/.test(prefix);
  const trees = isShared ? [show(home)] : [show(prefix)];
  const shown = [prefix, home].some((folder) => path.startsWith(`${folder}/`) && !isShared);
  return shown || path.startsWith("/usr/") ? trees : [...trees, show(path)];
}
