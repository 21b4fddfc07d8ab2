/**
 * Runs workers: the interface that the rest of the server knows, and the implementation on
 * processes of this host.
 *
 * @module
 */
export { isShinyApp, topLevelFiles } from "./app_command.ts";
export * from "./backend.ts";
export { type BusyUidsOptions, findBusyUids } from "./busy_uids.ts";
export { enforcedLimits } from "./enforced_limits.ts";
export { describeExit, type MonitorEnding } from "./exit_reason.ts";
export type { ListeningParts } from "./listening.ts";
export { LogBuffer, type LogBufferOptions } from "./log_buffer.ts";
export { OutputPace, type OutputPart } from "./output_pace.ts";
export {
  answeringAt,
  descendants,
  findListeners,
  type IdColumns,
  isDeadState,
  type Listener,
  type ProcOptions,
  type ProcStatus,
  readSocketTables,
  readStatus,
  type SocketTables,
} from "./proc/mod.ts";
export { ProcessBackend, type ProcessBackendParts } from "./process_backend.ts";
export { isOfVersion, resolveRuntime, type RRuntime } from "./r_runtime.ts";
export { type OomEvidence, RunningSandbox, type SandboxParts } from "./running_sandbox.ts";
export { type SandboxedCommand, type SandboxFrame, startCommand } from "./sandboxed_command.ts";
export { claimOwner, type OwnerPolicy, type SandboxSlots } from "./slots.ts";
