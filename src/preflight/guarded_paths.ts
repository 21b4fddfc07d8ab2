import { dirname } from "node:path/posix";
import {
  findOpening,
  isOwnerKnown,
  type Keepers,
  type Opening,
  openingText,
  type Rights,
} from "./file_rights.ts";
import { advice, error, type Finding, warning } from "./finding.ts";
import { type Look, lookAt } from "./not_found_out.ts";
import { type PathStep, type PathWalk, walkPath } from "./path_walk.ts";
import { commandsOn } from "./shell_quote.ts";
import { listText } from "./wording.ts";

/** Something that nobody but root and the server's user may be able to replace. */
export interface GuardedPath {
  /** Absolute path. */
  readonly path: string;
  /** What it is to the server, as part of a sentence. */
  readonly what: string;
  /** Whether only the way to it is looked at here, because it has rules of its own. */
  readonly hasOwnRules?: boolean;
  /** Whether it is executed in workers' sandboxes alone, so that whoever changes it gets no further. */
  readonly isForWorkers?: boolean;
}

/** A file, folder or link that others can change. */
interface OpenStep {
  readonly step: PathStep;
  readonly opening: Opening;
  /** What they get hold of by that. */
  readonly whats: string[];
  /** Whether all of it is for workers alone. */
  isForWorkers: boolean;
}

/** A guarded path, and the way to it. */
export type GuardedWalk = GuardedPath & { readonly look: Look<PathWalk> };

/**
 * Goes the way to each path.
 *
 * @param paths The paths.
 * @returns The ways, in their order. Never rejects.
 */
export function walkPaths(paths: readonly GuardedPath[]): Promise<GuardedWalk[]> {
  return Promise.all(paths.map(async (guarded) => {
    const { path, what } = guarded;
    return { ...guarded, look: await lookAt(`who can change ${what}`, () => walkPath(path)) };
  }));
}

/**
 * Says which files, folders and links others can change, and what they get hold of by that.
 *
 * @param walks The ways, as {@linkcode walkPaths} found them.
 * @param keepers Who may own them.
 * @returns An error for each, once however many ways lead through it, a warning where it is for workers
 * alone; warnings for what could not be looked at.
 */
export function judgeWalks(walks: readonly GuardedWalk[], keepers: Keepers): Finding[] {
  const leftOut = new Set(walks.flatMap((walk) => walk.hasOwnRules ? endOf(walk) : []));
  const open = new Map<string, OpenStep>();
  const unknown = new Set<string>();
  for (const { what, look, isForWorkers = false } of walks) {
    if ("unknown" in look) continue;
    const infos = new Map<string, Rights>(look.seen.steps.map(({ path, info }) => [path, info]));
    for (const step of look.seen.steps) {
      const { path, info } = step;
      if (leftOut.has(path)) continue;
      if (!isOwnerKnown(info, keepers)) unknown.add(path);
      const folder = path === "/" ? undefined : infos.get(dirname(path));
      const opening = findOpening(info, { keepers, folder });
      if (opening === undefined) continue;
      const entry = open.get(path) ?? { step, opening, whats: [], isForWorkers };
      entry.isForWorkers &&= isForWorkers;
      if (!entry.whats.includes(what)) entry.whats.push(what);
      open.set(path, entry);
    }
  }
  return [
    ...walks.flatMap(({ look }) => "unknown" in look ? [look.unknown] : []),
    ...[...open.values()].map(({ step, opening, whats, isForWorkers }) =>
      (isForWorkers ? warning : error)(
        `${step.path} ${openingText(opening)}: others can change ${listText(whats)}`,
        commandsOn(closingSteps(step, opening), step.path),
      )
    ),
    ...unknownOwners([...unknown]),
  ];
}

/** Root may always own them, and what others could do because of their modes they still can. */
function closingSteps({ info: { isSymlink } }: PathStep, { owner, writers }: Opening): string[] {
  return [
    ...owner === undefined ? [] : [isSymlink ? "chown -h root" : "chown root"],
    ...writers === undefined ? [] : ["chmod go-w"],
  ];
}

function endOf({ look }: GuardedWalk): string[] {
  if ("unknown" in look || look.seen.missing !== undefined) return [];
  return look.seen.steps.slice(-1).map(({ path }) => path);
}

function unknownOwners(paths: readonly string[]): Finding[] {
  const [first, ...more] = paths;
  if (first === undefined) return [];
  const others = more.length === 0 ? "" : ` and ${more.length} more on the way to guarded files`;
  return [
    warning(
      `who owns ${first}${others} could not be found out, because this user namespace does not ` +
        "know the owner",
      advice("Run the preflight outside of the user namespace"),
    ),
  ];
}
