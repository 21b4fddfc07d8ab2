import { isOfVersion } from "#src/backend/mod.ts";
import { errorMessage, systemClock } from "#src/core/mod.ts";
import { inspectRInstallation, type RVersion, type VersionEntry } from "#src/rig/mod.ts";
import { dirname } from "node:path/posix";
import type { PreflightHost } from "./host.ts";
import { inTurns } from "./in_turns.ts";
import { askRVersion } from "./r_binary.ts";

/** What came of trying an R. */
export type RTrial =
  /** It runs, and is what it says it is. */
  | { readonly kind: "works"; readonly version: string }
  /** It is of no use; `what` is the file or folder, `reason` a clause about it. */
  | { readonly kind: "broken"; readonly what: string; readonly reason: string }
  /** It could not be tried. */
  | { readonly kind: "untried"; readonly what: string; readonly reason: string };

/** A version below the base, and what came of trying it. */
export interface TriedVersion {
  /** The version that the name of its folder says. */
  readonly version: RVersion;
  /** Its folder. */
  readonly folder: string;
  /** What came of it. */
  readonly trial: RTrial;
}

/** How many are run at one time. */
const AT_ONCE = 4;
/**
 * After how long no further one is run, in milliseconds: the last ones, and the configured R after
 * them, may take their time and what is known is still told in time.
 */
const TOTAL_MS = 9000;

/**
 * Tries every version below the base.
 *
 * @param host Runs them.
 * @param entries What is there.
 * @param options `now` tells the time in milliseconds, from any point on.
 * @returns What came of each, in their order. Never rejects.
 */
export function tryVersions(
  host: PreflightHost,
  entries: readonly VersionEntry[],
  { now = () => systemClock.monotonicMs() }: { now?: () => number } = {},
): Promise<TriedVersion[]> {
  const endMs = now() + TOTAL_MS;
  return inTurns(entries, {
    atOnce: AT_ONCE,
    each: async ({ version, rPath, isUsable }) => {
      const folder = dirname(dirname(rPath));
      const trial: RTrial = !isUsable
        ? { kind: "broken", what: folder, reason: "it has no bin/R that can be executed" }
        : now() > endMs
        ? { kind: "untried", what: rPath, reason: "others took all the time that there is" }
        : await tryR(host, rPath, { numbers: version.numbers });
      return { version, folder, trial };
    },
  });
}

/**
 * Runs an R, under a worker's ids where there are such: what is below the base need not belong to
 * root, and it is workers who have to be able to run it.
 *
 * @param host Runs it.
 * @param path Absolute path of the program.
 * @param options `numbers` are those of the version that it has to be of; none for any.
 * @returns What came of it. Never rejects.
 */
export async function tryR(
  host: PreflightHost,
  path: string,
  { numbers }: { numbers: readonly number[] },
): Promise<RTrial> {
  const broken = (reason: string): RTrial => ({ kind: "broken", what: path, reason });
  const asWorker = host.identity.isRoot;
  try {
    const answer = await askRVersion(host, path, { asWorker });
    if ("problem" in answer) return broken(answer.problem);
    const { version } = answer;
    if (!isOfVersion(version, numbers.join("."))) return broken(`it is R ${version}`);
    return await inspectRInstallation(path).then(
      () => ({ kind: "works", version }),
      (cause) => broken(errorMessage(cause)),
    );
  } catch (cause) {
    // Under other ids there is more that can fail than R.
    return asWorker
      ? { kind: "untried", what: path, reason: errorMessage(cause) }
      : broken(errorMessage(cause));
  }
}
