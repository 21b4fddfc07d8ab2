/** A version of bubblewrap: its numbers in their order. */
export type BwrapVersion = readonly [number, number, number];

/**
 * The oldest bubblewrap that takes every option that sandboxes are made with. Its release notes
 * name `--args` for 0.1.8, `--perms` for 0.5.0 and `--size`, the youngest, for 0.7.0;
 * `--disable-userns` of 0.8.0 is left out where it does not work.
 */
export const OLDEST_BWRAP: BwrapVersion = [0, 7, 0];

/**
 * Reads what `bwrap --version` prints.
 *
 * @param text Its standard output, such as `bubblewrap 0.8.0`.
 * @returns The version; undefined when the text is something else.
 */
export function parseBwrapVersion(text: string): BwrapVersion | undefined {
  const match = /^bubblewrap (\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?\s*$/.exec(text);
  if (!match) return undefined;
  return [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/**
 * Tells which of two versions is older, number by number.
 *
 * @param version One version.
 * @param other The other one.
 * @returns Whether the first is older than the second.
 */
export function isOlder(version: BwrapVersion, other: BwrapVersion): boolean {
  for (const [index, number] of version.entries()) {
    const difference = number - (other[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
