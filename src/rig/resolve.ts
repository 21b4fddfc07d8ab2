import { listVersions, rBinaryPath } from "./installed.ts";
import { parseRequest, type RVersion, sharesNumbers } from "./version.ts";

/** Which R program serves a request. */
export interface ResolvedR {
  /** The program: below the base, or the fallback as it was given. */
  readonly path: string;
  /** The installed version that was chosen; absent when it is the fallback. */
  readonly version?: string;
  /** Whether a version was asked for and the fallback has to do, for want of a fitting one. */
  readonly fellBack: boolean;
}

/**
 * Chooses the R program for a version: exactly that version, else the highest patch of the same
 * major.minor (4.4.10 over 4.4.9, and both over a folder named `4.4`), else the fallback. A request
 * of one number takes the highest version of that major. Folders with a suffix are never chosen.
 *
 * @param version `4`, `4.4` or `4.4.2`; empty asks for the fallback, which is then no miss.
 * @param options `base` is the folder as for {@linkcode installedRVersions}; `fallback` is the
 * program, a path or a name, when nothing below the base fits.
 * @returns The program, and how it was found.
 * @throws {RangeError} When the version does not look like one, as with `../x`, `4.*` or `devel`.
 * @throws {Error} When the base is there and cannot be listed.
 */
export async function resolveRBinary(
  version: string,
  options: { base: string; fallback: string },
): Promise<ResolvedR> {
  if (version === "") return { path: options.fallback, fellBack: false };
  const wanted = parseRequest(version);
  const chosen = chooseVersion(wanted, await listVersions(options.base));
  if (chosen === undefined) return { path: options.fallback, fellBack: true };
  return { path: rBinaryPath(options.base, chosen), version: chosen.text, fellBack: false };
}

/**
 * Chooses among installed versions, as {@linkcode resolveRBinary} describes it.
 *
 * @param wanted The request.
 * @param installed What is there, in ascending order.
 * @returns The version to use, or undefined when none fits.
 */
export function chooseVersion(
  wanted: RVersion,
  installed: readonly RVersion[],
): RVersion | undefined {
  const plain = installed.filter((version) => version.suffix === "");
  const sameLine = Math.min(wanted.numbers.length, 2);
  return plain.find((version) => sharesNumbers(version, wanted, 3)) ??
    plain.findLast((version) => sharesNumbers(version, wanted, sameLine));
}
