/**
 * The sandbox: what bwrap is told, who tells it, and how what runs in it is reached.
 *
 * @module
 */
export * from "./bwrap_args.ts";
export * from "./bwrap_exec/job.ts";
export * from "./environment.ts";
export * from "./gate.ts";
export * from "./host_layout.ts";
export * from "./identity.ts";
export * from "./landlock.ts";
export * from "./launch_job.ts";
export * from "./launcher.ts";
export * from "./probe_host.ts";
export * from "./remove_group.ts";
export * from "./sandboxed_process.ts";
export * from "./seccomp/mod.ts";
export * from "./socket_folder.ts";
export * from "./worker_socket.ts";
export type { SignalName } from "#ffi/mod.ts";
