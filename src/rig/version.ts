/** A version as it stands in the name of a folder or in a request, taken apart. */
export interface RVersion {
  /** The version as it was written: `4.4.2`, `4.4`, `4.4.2-arm64`. */
  readonly text: string;
  /** One to three numbers: major, minor, patch. */
  readonly numbers: readonly number[];
  /** What follows the first dash, empty for a plain version. */
  readonly suffix: string;
}

/** Nine digits stay exact as a number, and no release of R needs more than two. */
const FOLDER_NAME = /^(\d{1,9}(?:\.\d{1,9}){0,2})(?:-([A-Za-z0-9._-]+))?$/;

/** What rig installs under a moving name; such a folder changes its R under a running app. */
const MOVING_NAMES: ReadonlySet<string> = new Set([
  "current",
  "devel",
  "next",
  "oldrel",
  "release",
]);

/**
 * Reads the name of a folder as a version.
 *
 * @param name The name of an entry below the base.
 * @returns The version, or undefined when the name is none, as with `current` and `devel`.
 */
export function parseFolderName(name: string): RVersion | undefined {
  const match = FOLDER_NAME.exec(name);
  if (match?.[1] === undefined) return undefined;
  return { text: name, numbers: match[1].split(".").map(Number), suffix: match[2] ?? "" };
}

/**
 * Reads a version that somebody asks for.
 *
 * @param text The request: one to three numbers with dots between them.
 * @returns The version; its suffix is always empty.
 * @throws {RangeError} When the text is anything else: a name such as `devel`, a path, a pattern.
 */
export function parseRequest(text: string): RVersion {
  const version = parseFolderName(text);
  if (version !== undefined && version.suffix === "") return version;
  const hint = MOVING_NAMES.has(text) ? ", for a name can mean another R tomorrow" : "";
  throw new RangeError(
    `cannot use ${JSON.stringify(text)} as an R version: want numbers such as 4.4 or 4.4.2${hint}`,
  );
}

/**
 * Orders versions by their numbers, so that 4.4.10 comes after 4.4.9. A version without a patch
 * comes before all that have one, a plain version before the same one with a suffix.
 *
 * @param a One version.
 * @param b Another.
 * @returns A number below, at or above 0, as `Array.prototype.sort` wants it.
 */
export function compareVersions(a: RVersion, b: RVersion): number {
  for (let i = 0; i < 3; i++) {
    const difference = (a.numbers[i] ?? -1) - (b.numbers[i] ?? -1);
    if (difference !== 0) return difference;
  }
  if (a.text === b.text) return 0;
  return a.suffix < b.suffix || (a.suffix === b.suffix && a.text < b.text) ? -1 : 1;
}

/**
 * Whether two versions are the same in their first numbers.
 *
 * @param a One version.
 * @param b Another.
 * @param count How many numbers to compare, 1 to 3; one that is missing in both counts as the same.
 * @returns True when none of them differs.
 */
export function sharesNumbers(a: RVersion, b: RVersion, count: number): boolean {
  for (let i = 0; i < count; i++) {
    if (a.numbers[i] !== b.numbers[i]) return false;
  }
  return true;
}
