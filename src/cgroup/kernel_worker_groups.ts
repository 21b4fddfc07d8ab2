import { type Clock, type Logger, toWorkerId } from "#src/core/mod.ts";
import { reasonOf } from "./cgroup_error.ts";
import { missingControllers } from "./controllers.ts";
import type { GroupTree } from "./group_tree.ts";
import { type GroupLocation, KernelWorkerGroup } from "./kernel_worker_group.ts";
import type { GroupLimits } from "./limits.ts";
import { removeGroup } from "./remove_group.ts";
import { TRY_PREFIX } from "./try_delegation.ts";
import { readPopulated } from "./usage.ts";
import type { WorkerGroup } from "./worker_group.ts";
import type { LackingController, WorkerGroups } from "./worker_groups.ts";

/** How long a group is left alone that another server may be about to use. */
const STALE_MS = 60_000;
/** How long a server whose worker has just ended has to read the last from its group. */
const SECOND_LOOK_MS = 1000;

/** What {@linkcode KernelWorkerGroups} work with. */
export interface WorkerGroupsParts {
  /** The groups. */
  readonly groups: GroupTree;
  /** The time. */
  readonly clock: Clock;
  /** Told what cannot be removed. */
  readonly log: Logger;
  /** Where they are: `folder` holds them. */
  readonly location: GroupLocation;
  /** Absolute paths of the folders in which it was tried whether groups can be made. */
  readonly triedIn: readonly string[];
  /** The controllers that they have. */
  readonly controllers: readonly string[];
  /** Those for limits that they do not have. */
  readonly lacking: readonly LackingController[];
  /** Whether they can be killed as a whole. */
  readonly hasKill: boolean;
}

/** The groups in a folder that is there. */
export class KernelWorkerGroups implements WorkerGroups {
  /** See {@linkcode WorkerGroups.kind}. */
  readonly kind: "limits" | "grouping";
  /** See {@linkcode WorkerGroups.folder}. */
  readonly folder: string;
  /** See {@linkcode WorkerGroups.controllers}. */
  readonly controllers: readonly string[];
  /** See {@linkcode WorkerGroups.lacking}. */
  readonly lacking: readonly LackingController[];
  /** See {@linkcode WorkerGroups.hasKill}. */
  readonly hasKill: boolean;
  readonly #parts: WorkerGroupsParts;
  readonly #inUse = new Set<string>();

  /**
   * Stands for the groups.
   *
   * @param parts What they work with.
   */
  constructor(parts: WorkerGroupsParts) {
    this.kind = missingControllers(parts.controllers).length === 0 ? "limits" : "grouping";
    this.folder = parts.location.folder;
    this.controllers = parts.controllers;
    this.lacking = parts.lacking;
    this.hasKill = parts.hasKill;
    this.#parts = parts;
  }

  /** See {@linkcode WorkerGroups.create}. */
  async create(id: string, limits: GroupLimits): Promise<WorkerGroup> {
    const { groups, clock, location } = this.#parts;
    // What is no plain name could lead out of the folder.
    const name = toWorkerId(id);
    const folder = `${this.folder}/${name}`;
    await groups.make(folder);
    this.#inUse.add(folder);
    const group = new KernelWorkerGroup(
      { folder, path: `${location.path}/${name}`, level: location.level + 1 },
      { groups, clock, place: this, onRemoved: () => this.#inUse.delete(folder) },
    );
    try {
      await group.setLimits(limits);
      return group;
    } catch (error) {
      await this.#undo(folder);
      throw error;
    }
  }

  async #undo(folder: string): Promise<void> {
    this.#inUse.delete(folder);
    await this.#tryToRemove(folder);
  }

  /** See {@linkcode WorkerGroups.sweep}. */
  async sweep(): Promise<number> {
    const first = await this.#stale();
    if (first.length === 0) return 0;
    await this.#parts.clock.sleep(SECOND_LOOK_MS);
    const second = await this.#stale();
    let count = 0;
    for (const folder of second.filter((it) => first.includes(it))) {
      if (await this.#tryToRemove(folder)) count++;
    }
    return count;
  }

  async #stale(): Promise<string[]> {
    const { groups, triedIn } = this.#parts;
    const list = async (folder: string) =>
      (await groups.list(folder)).map((name) => ({ name, folder: `${folder}/${name}` }));
    const workers = await list(this.folder);
    const tries = (await Promise.all(triedIn.map(list))).flat()
      .filter(({ name }) => name.startsWith(TRY_PREFIX));
    const stale: string[] = [];
    for (const { folder } of [...workers, ...tries]) {
      if (!this.#inUse.has(folder) && await this.#isStale(folder)) stale.push(folder);
    }
    return stale;
  }

  async #isStale(folder: string): Promise<boolean> {
    const { groups, clock, log } = this.#parts;
    try {
      const changedAtMs = (await groups.stat(folder))?.changedAtMs ?? Infinity;
      return clock.now() - changedAtMs >= STALE_MS && !await readPopulated(folder, groups);
    } catch (error) {
      log.warn("cannot tell whether a group is in use", { folder, error: reasonOf(error) });
      return false;
    }
  }

  async #tryToRemove(folder: string): Promise<boolean> {
    const { groups, clock, log } = this.#parts;
    try {
      await removeGroup(folder, { groups, clock, waitMs: 0 });
      return true;
    } catch (error) {
      log.warn("cannot remove a group", { folder, error: reasonOf(error) });
      return false;
    }
  }
}
