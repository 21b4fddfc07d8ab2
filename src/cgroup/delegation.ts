import type { Standing } from "./candidates.ts";
import type { LimitController } from "./controllers.ts";

/** What keeps this process from making groups. */
export type Obstacle =
  /** cgroup v2 is mounted nowhere, or where it cannot be reached. */
  | "no_mount"
  /** It is mounted read-only. */
  | "read_only"
  /** The mount does not show this process's group, or the group was removed. */
  | "outside"
  /** The group belongs to someone else. */
  | "refused"
  /** Something else went wrong. */
  | "failed"
  /** A group was made and could not be removed: it is still there. */
  | "stuck";

/** Why groups for workers do not get a controller. */
export type Withheld =
  /** It is in a hierarchy of cgroup v1. */
  | "legacy"
  /** The kernel does not have it, or it was disabled at boot. */
  | "absent"
  /** The group above the place does not hand it down. */
  | "parent"
  /** The place's own `cgroup.subtree_control` belongs to someone else. */
  | "locked"
  /** Processes that this one did not start are in the place. */
  | "occupied";

/** A controller that limits need and groups for workers do not get. */
export interface MissingController {
  /** Its name. */
  readonly name: LimitController;
  /** Why they do not get it. */
  readonly why: Withheld;
}

/** A place in the tree where groups for workers can be made and removed. */
export interface Subtree {
  /** Absolute path of the folder that they go in. */
  readonly folder: string;
  /** Whose it is. */
  readonly standing: Standing;
  /** The controllers that groups in it have or can be given. */
  readonly controllers: readonly string[];
  /** Whether a group can be killed as a whole, by `cgroup.kill` of Linux 5.14. */
  readonly hasKill: boolean;
}

/** What this process can do with cgroups. */
export type Delegation =
  /** Nothing. */
  | { readonly kind: "none"; readonly obstacle: Obstacle; readonly reason: string }
  /** Keep workers in groups, but not limit all that they use. */
  | ({ readonly kind: "grouping"; readonly missing: readonly MissingController[] } & Subtree)
  /** Keep workers in groups with limits. */
  | ({ readonly kind: "limits" } & Subtree);
