/**
 * Runs workers: the interface that the rest of the server knows, and the implementation on
 * processes of this host.
 *
 * @module
 */
export * from "./backend.ts";
export { type BusyUidsOptions, findBusyUids } from "./busy_uids.ts";
export { describeExit, type MonitorEnding } from "./exit_reason.ts";
export { LogBuffer, type LogBufferOptions } from "./log_buffer.ts";
export { ProcessBackend, type ProcessBackendParts } from "./process_backend.ts";
export { resolveRuntime, type RRuntime } from "./r_runtime.ts";
export { RunningSandbox, type SandboxParts } from "./running_sandbox.ts";
export { type SandboxedCommand, type SandboxFrame, startCommand } from "./sandboxed_command.ts";
export { claimOwner, type OwnerPolicy, type SandboxSlots } from "./slots.ts";
