import { type BwrapVersion, isOlder } from "./bwrap_version.ts";

/**
 * A hole of versions of bubblewrap that are new enough for sandboxes. Distributions repair theirs
 * without a new version, so that a version tells only who may have it. Older holes, such as
 * CVE-2020-5291 of 0.4.0, are in versions that no sandbox is made with, and CVE-2024-42472 is one of
 * Flatpak, which bubblewrap got `--bind-fd` for.
 */
export interface BwrapHole {
  /** Its name. */
  readonly id: string;
  /** The first version that has it. */
  readonly since: BwrapVersion;
  /** The first version without it. */
  readonly repairedIn: BwrapVersion;
}

/**
 * Mount targets follow links of a tree out of the sandbox: GHSA-pxhw-h44j-8pfx of
 * containers/bubblewrap. It can be tried.
 */
export const SYMLINK_HOLE: BwrapHole = {
  id: "CVE-2026-87766",
  since: [0, 0, 0],
  repairedIn: [0, 12, 0],
};

/**
 * With the set-user-id bit, and only with it, whoever traces bwrap makes mounts as root:
 * GHSA-xq78-7hw4-5jvp of containers/bubblewrap.
 */
export const TRACE_HOLE: BwrapHole = {
  id: "CVE-2026-41163",
  since: [0, 11, 0],
  repairedIn: [0, 11, 2],
};

/**
 * Tells whether a version has a hole, if its distribution has not repaired it.
 *
 * @param version The version.
 * @param hole The hole.
 * @returns Whether it is between the first with it and the first without.
 */
export function mayHave(version: BwrapVersion, { since, repairedIn }: BwrapHole): boolean {
  return !isOlder(version, since) && isOlder(version, repairedIn);
}
