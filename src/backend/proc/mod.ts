/**
 * The kernel's view of processes and sockets, read from a procfs.
 *
 * @module
 */
export { readMemoryBytes } from "./memory.ts";
export { descendants } from "./process_tree.ts";
export type { ProcOptions } from "./read.ts";
export { readSocketTables, SharedSocketTables, type SocketTables } from "./socket_tables.ts";
export { answeringAt, findListeners, type Listener, socketInodes } from "./socket_owner.ts";
export { isDeadState, parseStat, type ProcStat, readStat } from "./stat.ts";
export { type IdColumns, parseStatus, type ProcStatus, readStatus } from "./status.ts";
export { processesOfUid, type UidProcesses, uidsInUse } from "./uids.ts";
export { type TreeUsage, UsageSampler } from "./usage.ts";
