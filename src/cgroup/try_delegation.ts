import { type Candidate, candidates } from "./candidates.ts";
import { type LimitController, missingControllers, parseControllers } from "./controllers.ts";
import type { Delegation, MissingController, Obstacle, Subtree, Withheld } from "./delegation.ts";
import { CgroupError, reasonOf } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";
import { kernelGroups } from "./kernel_groups.ts";
import type { CgroupMount } from "./mount.ts";
import { countOtherProcesses } from "./other_processes.ts";
import { isMarkedDelegated } from "./systemd.ts";
import type { CgroupView } from "./view.ts";

/** How it is tried what can be done. */
export interface DelegationOptions {
  /** The root of the procfs, without a slash at its end. */
  readonly proc: string;
  /** Whether this process is root. */
  readonly isRoot: boolean;
  /** This process, {@linkcode Deno.pid} if not given. */
  readonly pid?: number;
  /** The groups, those of the kernel if not given. */
  readonly groups?: GroupTree;
  /** Tells whether systemd marked a folder as delegated; {@linkcode isMarkedDelegated} else. */
  readonly isMarked?: (folder: string) => boolean;
  /** Makes names for groups that are removed at once; random ones if not given. */
  readonly newName?: () => string;
}

/**
 * Finds out what this process can do with cgroups, by making a group and removing it. No process is
 * moved and no file is written to: the kernel hands controllers only down from a group that has no
 * processes, so whether it would is told from who is in it and who may write there.
 *
 * @param view What this process sees of the host's cgroups.
 * @param options How it is tried.
 * @returns The best of the places that there are.
 * @throws {SyscallError} When the kernel does not say what systemd has marked.
 */
export async function tryDelegation(
  view: CgroupView,
  options: DelegationOptions,
): Promise<Delegation> {
  const { mount, membership } = view;
  if (mount === undefined) {
    return none("no_mount", "no mount of cgroup v2 can be reached");
  }
  const trial: Trial = {
    groups: kernelGroups,
    pid: Deno.pid,
    isMarked: isMarkedDelegated,
    newName: newTryName,
    ...options,
    mount,
    legacy: membership.legacy.flatMap(({ controllers }) => controllers),
  };
  let best: Delegation | undefined;
  for (const place of await candidates(mount, membership, trial)) {
    const found = await tryPlace(place, trial);
    if (found.kind === "limits" || isStuck(found)) return found;
    if (best === undefined || (best.kind === "none" && found.kind !== "none")) best = found;
  }
  const { unified, isDeleted } = membership;
  return best ?? none(
    "outside",
    unified === undefined
      ? "this process is in no group of cgroup v2"
      : isDeleted
      ? `this process's group ${unified} was removed`
      : `this process's group ${unified} is not below the mount at ${mount.folder}`,
  );
}

type Trial = Required<DelegationOptions> & {
  readonly mount: CgroupMount;
  /** The controllers that cgroup v1 has. */
  readonly legacy: readonly string[];
};

function none(obstacle: Obstacle, reason: string): Delegation {
  return { kind: "none", obstacle, reason };
}

function isStuck(found: Delegation): boolean {
  return found.kind === "none" && found.obstacle === "stuck";
}

/** How groups are named that are removed at once, should this process be killed before it does. */
export const TRY_PREFIX = "blockyard-try-";

/**
 * Makes a name for a group that is removed at once.
 *
 * @returns {@linkcode TRY_PREFIX} and something random.
 */
export function newTryName(): string {
  return `${TRY_PREFIX}${crypto.randomUUID()}`;
}

async function tryPlace(place: Candidate, trial: Trial): Promise<Delegation> {
  const { groups } = trial;
  const scratch = `${place.folder}/${trial.newName()}`;
  try {
    await groups.make(scratch);
  } catch (error) {
    return none(obstacleOf(error), reasonOf(error));
  }
  let found: Delegation;
  try {
    found = await examine(place, scratch, trial);
  } catch (error) {
    found = none("failed", reasonOf(error));
  }
  try {
    await groups.remove(scratch);
    return found;
  } catch (error) {
    return none("stuck", `a group was made there to try it, and is left: ${reasonOf(error)}`);
  }
}

function obstacleOf(error: unknown): Obstacle {
  const code = error instanceof CgroupError ? error.code : undefined;
  if (code === "EROFS") return "read_only";
  return code === "EACCES" || code === "EPERM" ? "refused" : "failed";
}

async function examine(place: Candidate, scratch: string, trial: Trial): Promise<Delegation> {
  const { folder } = place;
  const { groups } = trial;
  const type = (await groups.read(scratch, "cgroup.type"))?.trim();
  if (type !== undefined && type !== "domain") {
    return none("failed", `groups in ${folder} hold only threads: their cgroup.type is ${type}`);
  }
  for (const group of [folder, scratch]) {
    if (await groups.isWritable(group, "cgroup.procs")) continue;
    return none("refused", `processes cannot be moved: ${group}/cgroup.procs is not writable`);
  }
  const available = await controllersOf(folder, groups);
  const handedDown = await controllersOf(scratch, groups);
  const isLocked = !await groups.isWritable(folder, "cgroup.subtree_control");
  // The root of the whole hierarchy has no type, and may have processes and hand controllers down.
  const isRoot = type !== undefined && await groups.read(folder, "cgroup.type") === undefined;
  const isOccupied = !isRoot && await countOtherProcesses(folder, trial) > 0;
  const controllers = isLocked || isOccupied ? handedDown : available;
  const subtree: Subtree = {
    ...place,
    controllers,
    hasKill: await groups.isWritable(scratch, "cgroup.kill"),
  };
  const names = missingControllers(controllers);
  if (names.length === 0) return { kind: "limits", ...subtree };
  const elsewhere = await whereElse(names, trial);
  const missing = names.map((name): MissingController => ({
    name,
    why: available.includes(name) ? isLocked ? "locked" : "occupied" : elsewhere(name),
  }));
  return { kind: "grouping", ...subtree, missing };
}

/** Why a place that may be used does not have some controllers. */
async function whereElse(
  names: readonly LimitController[],
  { groups, mount, legacy }: Trial,
): Promise<(name: LimitController) => Withheld> {
  const top = await controllersOf(mount.folder, groups);
  const isWhole = await groups.read(mount.folder, "cgroup.type") === undefined;
  const absent = isWhole ? names.filter((name) => !top.includes(name)) : [];
  return (name) => legacy.includes(name) ? "legacy" : absent.includes(name) ? "absent" : "parent";
}

async function controllersOf(folder: string, groups: GroupTree): Promise<string[]> {
  const text = await groups.read(folder, "cgroup.controllers");
  if (text === undefined) throw new Error(`${folder} is no group of cgroup v2`);
  return parseControllers(text);
}
