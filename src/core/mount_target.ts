/** Top-level names that the sandbox makes itself, or that a Linux root is expected to have. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(
  ("app bin boot dev etc home lib lib32 lib64 libx32 media mnt opt proc root run sbin srv sys tmp " +
    "usr var").split(" "),
);

/**
 * Checks where a mount of an app appears in its sandbox. Only a new top-level name is allowed:
 * below another tree, whoever owns that tree could turn the path into one of the host's.
 *
 * @param target The candidate, such as `/data`.
 * @returns The same text.
 * @throws {RangeError} When it is no single top-level name, or one that the sandbox uses itself.
 */
export function checkMountTarget(target: string): string {
  if (!/^\/[A-Za-z0-9][A-Za-z0-9._-]*$/.test(target)) {
    throw new RangeError(
      `cannot mount at ${JSON.stringify(target)}: want one top-level name such as "/data"`,
    );
  }
  if (RESERVED_NAMES.has(target.slice(1))) {
    throw new RangeError(
      `cannot mount at ${
        JSON.stringify(target)
      }: the sandbox uses that name itself, want another ` +
        `one such as "/data"`,
    );
  }
  return target;
}
