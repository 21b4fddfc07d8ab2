import { type Clock, NotSupportedError, type Pid } from "#src/core/mod.ts";
import { CgroupError, isGone } from "./cgroup_error.ts";
import type { GroupTree } from "./group_tree.ts";
import { parseMaximum, readParsed } from "./kernel_text.ts";
import {
  checkLimits,
  cpuWrites,
  type GroupLimits,
  LIMIT_CONTROLLER,
  type LimitWrite,
  memoryWrites,
  NO_LIMITS,
  pidsWrites,
  readLimits,
} from "./limits.ts";
import { removeGroup } from "./remove_group.ts";
import { type GroupUsage, readOomKills, readPids, readPopulated, readUsage } from "./usage.ts";
import type { WorkerGroup } from "./worker_group.ts";
import type { WorkerGroups } from "./worker_groups.ts";

/** How long {@linkcode WorkerGroup.remove} waits for processes that are ending. */
const REMOVAL_MS = 2000;

/** Where a group is. */
export type GroupLocation = Pick<WorkerGroup, "folder" | "path" | "level">;

/** What a {@linkcode KernelWorkerGroup} works with. */
export interface WorkerGroupParts {
  /** The groups. */
  readonly groups: GroupTree;
  /** The time. */
  readonly clock: Clock;
  /** What groups in its place have. */
  readonly place: Pick<WorkerGroups, "controllers" | "lacking" | "hasKill">;
  /** Called when the group was removed. */
  readonly onRemoved: () => void;
}

/** A group that is there, without limits at first. */
export class KernelWorkerGroup implements WorkerGroup {
  /** See {@linkcode WorkerGroup.folder}. */
  readonly folder: string;
  /** See {@linkcode WorkerGroup.path}. */
  readonly path: string;
  /** See {@linkcode WorkerGroup.level}. */
  readonly level: number;
  readonly #parts: WorkerGroupParts;
  #limits: GroupLimits = NO_LIMITS;
  #changed: Promise<unknown> = Promise.resolve();

  /**
   * Stands for a group.
   *
   * @param location Where it is.
   * @param parts What it works with.
   */
  constructor({ folder, path, level }: GroupLocation, parts: WorkerGroupParts) {
    this.folder = folder;
    this.path = path;
    this.level = level;
    this.#parts = parts;
  }

  /** See {@linkcode WorkerGroup.limits}. */
  get limits(): GroupLimits {
    return this.#limits;
  }

  /** See {@linkcode WorkerGroup.add}. */
  async add(pid: number): Promise<void> {
    await this.#write("cgroup.procs", String(pid));
  }

  /** See {@linkcode WorkerGroup.setLimits}. */
  setLimits(limits: GroupLimits): Promise<GroupLimits> {
    // One change after the other: the order of writes within each matters.
    const change = this.#changed.then(() => this.#change(limits));
    this.#changed = change.catch(() => {});
    return change;
  }

  async #change(limits: GroupLimits): Promise<GroupLimits> {
    checkLimits(limits);
    this.#mustBeSupported(limits);
    try {
      for (const write of await this.#writesFor(limits)) await this.#apply(write);
    } catch (error) {
      // Some may have been taken before one was refused.
      this.#limits = await this.#readLimits().catch(() => this.#limits);
      throw error;
    }
    return this.#limits = await this.#readLimits();
  }

  #mustBeSupported(limits: GroupLimits): void {
    const missing = (["memoryBytes", "cpuCores"] as const)
      .filter((limit) => limits[limit] !== 0 && !this.#has(LIMIT_CONTROLLER[limit]))
      .map((limit) => LIMIT_CONTROLLER[limit]);
    if (missing.length === 0) return;
    const reasons = missing.map((controller) => {
      const reason = this.#parts.place.lacking.find(({ name }) => name === controller)?.reason;
      return `${controller}: ${reason ?? "it is not handed down"}`;
    });
    throw new NotSupportedError(
      `cannot limit ${missing.join(" and ")} of ${this.folder}: groups there do not have the ` +
        `${missing.length === 1 ? "controller" : "controllers"} (${reasons.join("; ")})`,
    );
  }

  async #writesFor({ memoryBytes, cpuCores, pids }: GroupLimits): Promise<LimitWrite[]> {
    const { groups } = this.#parts;
    const writes: LimitWrite[] = [];
    if (this.#has("memory")) {
      const current = await readParsed(groups, this.folder, "memory.max", parseMaximum);
      writes.push(...memoryWrites(memoryBytes, current));
    }
    if (this.#has("cpu")) writes.push(...cpuWrites(cpuCores));
    if (this.#has("pids")) writes.push(...pidsWrites(pids));
    return writes;
  }

  async #apply({ file, value, isOptional }: LimitWrite): Promise<void> {
    try {
      await this.#write(file, value);
    } catch (error) {
      if (!isOptional || !(error instanceof CgroupError) || error.code !== "ENOENT") throw error;
    }
  }

  /** Limits that a group has no controller for have no files, and are 0. */
  #readLimits(): Promise<GroupLimits> {
    return readLimits(this.folder, this.#parts.groups);
  }

  /** See {@linkcode WorkerGroup.usage}. */
  usage(): Promise<GroupUsage> {
    return readUsage(this.folder, this.#parts.groups, this.#parts.place.controllers);
  }

  /** See {@linkcode WorkerGroup.pids}. */
  pids(): Promise<Pid[]> {
    return readPids(this.folder, this.#parts.groups);
  }

  /** See {@linkcode WorkerGroup.oomKills}. */
  oomKills(): Promise<number> {
    return readOomKills(this.folder, this.#parts.groups);
  }

  /** See {@linkcode WorkerGroup.kill}. */
  async kill(): Promise<boolean> {
    if (!this.#parts.place.hasKill) return false;
    try {
      await this.#write("cgroup.kill", "1");
    } catch (error) {
      // Nothing lives in a group that is gone.
      if (!isGone(error)) throw error;
    }
    return true;
  }

  /** See {@linkcode WorkerGroup.isPopulated}. */
  isPopulated(): Promise<boolean> {
    return readPopulated(this.folder, this.#parts.groups);
  }

  /** See {@linkcode WorkerGroup.remove}. */
  async remove(): Promise<void> {
    const { groups, clock, onRemoved } = this.#parts;
    await removeGroup(this.folder, { groups, clock, waitMs: REMOVAL_MS });
    onRemoved();
  }

  #has(controller: string): boolean {
    return this.#parts.place.controllers.includes(controller);
  }

  #write(file: string, value: string): Promise<void> {
    return this.#parts.groups.write(this.folder, file, value);
  }
}
