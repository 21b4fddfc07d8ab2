/**
 * Control groups of version 2: where they are, which one this process is in, what it may do there,
 * and the groups of workers with their limits.
 *
 * @module
 */
export * from "./candidates.ts";
export * from "./cgroup_error.ts";
export * from "./controllers.ts";
export * from "./delegation.ts";
export * from "./group_path.ts";
export * from "./group_tree.ts";
export * from "./hand_down.ts";
export * from "./kernel_groups.ts";
export * from "./kernel_text.ts";
export * from "./kernel_worker_group.ts";
export * from "./kernel_worker_groups.ts";
export * from "./limits.ts";
export * from "./make_group.ts";
export * from "./mount.ts";
export * from "./mountinfo.ts";
export * from "./open_worker_groups.ts";
export * from "./other_processes.ts";
export * from "./pids_max.ts";
export * from "./place.ts";
export * from "./remove_group.ts";
export * from "./server_delegation.ts";
export * from "./settled_place.ts";
export * from "./systemd.ts";
export * from "./try_delegation.ts";
export * from "./usage.ts";
export * from "./view.ts";
export * from "./withheld_text.ts";
export * from "./worker_group.ts";
export * from "./worker_groups.ts";
