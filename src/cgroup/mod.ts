/**
 * Control groups of version 2: where they are, which one this process is in, and what it may do
 * there.
 *
 * @module
 */
export * from "./candidates.ts";
export * from "./controllers.ts";
export * from "./delegation.ts";
export * from "./group_tree.ts";
export * from "./mount.ts";
export * from "./mountinfo.ts";
export * from "./other_processes.ts";
export * from "./pids_max.ts";
export * from "./place.ts";
export * from "./systemd.ts";
export * from "./try_delegation.ts";
export * from "./view.ts";
