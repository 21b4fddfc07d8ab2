import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { uidRange } from "#src/preflight/uid_range.ts";
import { configOf, look } from "./host_files.ts";
import { statusOf } from "./process_status.ts";

const WHOLE_MAP = "         0          0 4294967295\n";

/** The files of a host with root's processes and a user that has logged in. */
export const FILES = {
  "proc/self/uid_map": WHOLE_MAP,
  "proc/self/gid_map": WHOLE_MAP,
  "proc/self/setgroups": "allow\n",
  "proc/self/status": "Name:\tdeno\nCapPrm:\t0000000000000000\nCapEff:\t000001ffffffffff\n",
  "proc/1/status": statusOf({ pid: 1, uid: 0 }),
  "proc/700/status": statusOf({ pid: 700, uid: 1000 }),
  "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:,,,:/home/ann:/bin/sh\n",
  "etc/group": "root:x:0:\nann:x:1000:\n",
  "etc/subuid": "ann:100000:65536\n",
  "etc/subgid": "ann:100000:65536\n",
};
/** How the advice to choose other uids begins. */
export const OTHER_UIDS =
  "Set process.worker_uid_range_start and process.worker_uid_range_end to uids that " +
  "the server can take and nobody else has";

/**
 * Runs the check of uids.
 *
 * @param files What differs from the usual files.
 * @param options What differs from the usual host; `env` are variables of its configuration.
 * @returns What the check found.
 */
export function lookAt(
  files: Readonly<Record<string, string>>,
  { env = {}, ...host }: Partial<PreflightHost> & { env?: Readonly<Record<string, string>> } = {},
): Promise<readonly Finding[]> {
  return look(uidRange, {
    files: { ...FILES, ...files },
    host: { config: configOf({ env }), ...host },
  });
}

/**
 * Configures the uids of workers, and no more ports than them.
 *
 * @param start The first uid.
 * @param end The last uid.
 * @param maxWorkers How many workers there may be.
 * @returns The variables.
 */
export function uids(start: number, end: number, maxWorkers = 1): Record<string, string> {
  return {
    PROCESS_WORKER_UID_RANGE_START: String(start),
    PROCESS_WORKER_UID_RANGE_END: String(end),
    PROCESS_PORT_RANGE_END: String(10000 + Math.min(end - start, 999)),
    PROXY_MAX_WORKERS: String(maxWorkers),
  };
}
