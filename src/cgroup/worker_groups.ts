import type { LimitController } from "./controllers.ts";
import type { GroupLimits } from "./limits.ts";
import type { WorkerGroup } from "./worker_group.ts";

/** A controller that the groups of workers do not have. */
export interface LackingController {
  /** Its name. */
  readonly name: LimitController;
  /** Why they do not have it, for people. */
  readonly reason: string;
}

/** Where the groups of a server's workers are. Other servers may have theirs in the same place. */
export interface WorkerGroups {
  /** Whether groups can have every limit; with `grouping` some or all are lacking. */
  readonly kind: "limits" | "grouping";
  /** Absolute path of the folder that they are made in. */
  readonly folder: string;
  /** The controllers that they have. */
  readonly controllers: readonly string[];
  /** Those of the controllers for limits that they do not have. */
  readonly lacking: readonly LackingController[];
  /** Whether they can be killed as a whole, by `cgroup.kill` of Linux 5.14. */
  readonly hasKill: boolean;

  /**
   * Makes a group. It has its limits before anything can run in it, and is removed again when they
   * cannot be set.
   *
   * @param id Its name, that of its worker.
   * @param limits What it is held to, as for {@linkcode WorkerGroup.setLimits}.
   * @returns The group.
   * @throws {RangeError} When the name is no worker id, or a limit is none.
   * @throws {NotSupportedError} When a limit is not 0 and groups do not have its controller.
   * @throws {CgroupError} When the kernel refuses; EEXIST when there is a group of that name.
   */
  create(id: string, limits: GroupLimits): Promise<WorkerGroup>;

  /**
   * Removes groups that servers left behind which have ended: those in the folder that are not in
   * use by this server, and those that were made to try whether it can be done, as far as they have
   * been there for a minute and are empty. It takes a second when there are any: another server may
   * be about to read the last from the group of a worker that has just ended. A group that cannot
   * be removed stays, and is logged.
   *
   * @returns How many groups were removed.
   * @throws {CgroupError} When it cannot be told which groups there are.
   */
  sweep(): Promise<number>;
}

/** That there can be no groups for workers. */
export interface NoWorkerGroups {
  /** Tells it from {@linkcode WorkerGroups}. */
  readonly kind: "none";
  /** Why, for people. */
  readonly reason: string;
}
