import { type Clock, type Logger, silentLogger, systemClock } from "#src/core/mod.ts";
import { reasonOf } from "./cgroup_error.ts";
import {
  EXTRA_CONTROLLERS,
  LIMIT_CONTROLLERS,
  missingControllers,
  parseControllers,
} from "./controllers.ts";
import type { Delegation, Subtree } from "./delegation.ts";
import { findMountWithin } from "./group_path.ts";
import type { GroupTree } from "./group_tree.ts";
import { handDown, moveOwnProcesses } from "./hand_down.ts";
import { kernelGroups } from "./kernel_groups.ts";
import { readParsed } from "./kernel_text.ts";
import type { GroupLocation } from "./kernel_worker_group.ts";
import { KernelWorkerGroups } from "./kernel_worker_groups.ts";
import { makeUnlessThere } from "./make_group.ts";
import { tryServerDelegation } from "./server_delegation.ts";
import { locateWorkers, SERVER_GROUP } from "./settled_place.ts";
import { isMarkedDelegated } from "./systemd.ts";
import { newTryName } from "./try_delegation.ts";
import { type CgroupView, readCgroupView } from "./view.ts";
import { withheldText } from "./withheld_text.ts";
import type { LackingController, NoWorkerGroups, WorkerGroups } from "./worker_groups.ts";

/** How the place for the groups of workers is found and made. */
export interface WorkerGroupsOptions {
  /** `proc` is the root of the procfs, without a slash at its end. */
  readonly roots: { readonly proc: string };
  /** Whether this process is root. */
  readonly isRoot: boolean;
  /**
   * Whether controllers are handed down, which moves this process; true if not given. Without, groups
   * have those that somebody handed down before.
   */
  readonly handsDown?: boolean;
  /** Told what was found and what cannot be done; nobody if not given. */
  readonly log?: Logger;
  /** The time, that of the system if not given. */
  readonly clock?: Clock;
  /** This process, {@linkcode Deno.pid} if not given. */
  readonly pid?: number;
  /** The groups, those of the kernel if not given. */
  readonly groups?: GroupTree;
  /** Tells whether systemd marked a folder as delegated; {@linkcode isMarkedDelegated} else. */
  readonly isMarked?: (folder: string) => boolean;
}

/**
 * Opens the place for the groups of workers: `workers` in the group that was delegated to this
 * process or is its own, or in `blockyard` where that is the top of the mount. What is there already
 * is kept. Where controllers can be handed down, they are; for that this process and those that it
 * started move from the place into a group `server` beside `workers`, so that this is to be done
 * before it starts any that workers come from. Where they cannot, groups are without limits.
 *
 * @param options How it is found.
 * @returns The place; why there is none otherwise. It never rejects.
 */
export async function openWorkerGroups(
  options: WorkerGroupsOptions,
): Promise<WorkerGroups | NoWorkerGroups> {
  try {
    return await open({
      handsDown: true,
      log: silentLogger,
      clock: systemClock,
      pid: Deno.pid,
      groups: kernelGroups,
      isMarked: isMarkedDelegated,
      ...options,
    });
  } catch (error) {
    return { kind: "none", reason: reasonOf(error) };
  }
}

type Opening = Required<WorkerGroupsOptions>;

async function open(opening: Opening): Promise<WorkerGroups | NoWorkerGroups> {
  const { groups, clock, log } = opening;
  const view = await readCgroupView(opening.roots);
  const { isMarked, isRoot, pid, roots: { proc } } = opening;
  const delegation = await tryServerDelegation(view, { groups, isMarked, isRoot, pid, proc });
  if (delegation.kind === "none") return { kind: "none", reason: delegation.reason };
  const { base, location } = await makePlace(view, delegation, opening);
  const failures = opening.handsDown
    ? await handDownTo(location.folder, base, delegation, opening)
    : new Map<string, string>();
  const controllers = await tryWorkersGroup(location.folder, groups);
  const lacking = lackingControllers(controllers, failures, delegation);
  const made = new KernelWorkerGroups({
    groups,
    clock,
    log,
    location,
    triedIn: [...new Set([delegation.folder, base])],
    controllers,
    lacking,
    hasKill: delegation.hasKill,
  });
  log.info("workers get groups", { folder: made.folder, kind: made.kind, controllers, lacking });
  return made;
}

async function makePlace(
  { mounts, mount }: CgroupView,
  place: Subtree,
  { groups, isRoot }: Opening,
): Promise<{ base: string; location: GroupLocation }> {
  if (mount === undefined) throw new Error("no mount of cgroup v2 can be reached");
  const { base, location } = locateWorkers(mount, place);
  const within = findMountWithin(mounts, mount, location.folder);
  if (within !== undefined) throw new Error(`something else is mounted at ${within}`);
  for (const folder of new Set([base, location.folder])) {
    if (folder === place.folder) continue;
    await makeUnlessThere(folder, groups);
    const owner = (await groups.stat(folder))?.ownerUid;
    // Whoever owns a group could take its processes out of it or end their limits.
    if (isRoot && owner !== 0) {
      throw new Error(`${folder} belongs to the uid ${owner}, not to root`);
    }
  }
  return { base, location };
}

async function handDownTo(
  workers: string,
  base: string,
  place: Subtree,
  opening: Opening,
): Promise<Map<string, string>> {
  const { groups, clock, pid, roots: { proc }, log } = opening;
  const options = { groups, clock, pid, proc };
  const failures = new Map<string, string>();
  const wanted = [...LIMIT_CONTROLLERS, ...EXTRA_CONTROLLERS]
    .filter((name) => place.controllers.includes(name));
  if (wanted.length === 0) return failures;
  // The root of the whole hierarchy has no type, and may have processes.
  if (await groups.read(place.folder, "cgroup.type") !== undefined) {
    try {
      await moveOwnProcesses(place.folder, `${base}/${SERVER_GROUP}`, options);
    } catch (error) {
      log.warn("cannot leave the group above those of workers", { error: reasonOf(error) });
    }
  }
  for (const folder of new Set([place.folder, base, workers])) {
    const names = wanted.filter((name) => !failures.has(name));
    for (const [name, reason] of await handDown(folder, names, options)) failures.set(name, reason);
  }
  return failures;
}

/** What is to be done with each worker's group later is done once, and says what they have. */
async function tryWorkersGroup(workers: string, groups: GroupTree): Promise<string[]> {
  const folder = `${workers}/${newTryName()}`;
  await groups.make(folder);
  try {
    const type = (await groups.read(folder, "cgroup.type"))?.trim();
    if (type !== "domain") {
      throw new Error(`groups in ${workers} hold only threads: their cgroup.type is ${type}`);
    }
    if (!await groups.isWritable(folder, "cgroup.procs")) {
      throw new Error(`processes cannot be moved: ${folder}/cgroup.procs is not writable`);
    }
    return await readParsed(groups, folder, "cgroup.controllers", parseControllers) ?? [];
  } finally {
    await groups.remove(folder);
  }
}

function lackingControllers(
  controllers: readonly string[],
  failures: ReadonlyMap<string, string>,
  delegation: Exclude<Delegation, { kind: "none" }>,
): LackingController[] {
  const missing = delegation.kind === "grouping" ? delegation.missing : [];
  return missingControllers(controllers).map((name) => {
    const why = missing.find((it) => it.name === name)?.why;
    const reason = failures.get(name) ??
      (why === undefined ? "it was taken back" : withheldText(why, delegation.folder));
    return { name, reason };
  });
}
