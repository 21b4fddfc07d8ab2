import type { IdRange } from "#tests/support/host_processes.ts";

/** What a server of these tests hands out, and no other server beside it does. */
export interface OwnRanges {
  /** Ports of workers. */
  readonly ports: IdRange;
  /** Uids of workers. */
  readonly uids: IdRange;
  /** The gid of all workers. */
  readonly gid: number;
}

/** How many ports and uids a server has. */
const SLOTS = 20;
/** Below the ports that the kernel hands out by itself, ip(7), `ip_local_port_range`. */
const PORTS: IdRange = { start: 20_000, end: 31_999 };
const UIDS: IdRange = { start: 1_920_000_000, end: 1_999_999_999 };

/**
 * Picks ranges at random, so that servers of tests that run side by side, also in other processes,
 * do not meet. Two uid ranges are never the same in practice; a port that another server holds is
 * passed over by the server itself.
 *
 * @returns The ranges.
 */
export function ownRanges(): OwnRanges {
  const uids = block(UIDS);
  return { ports: block(PORTS), uids, gid: uids.start };
}

/**
 * Writes ranges as environment variables that set them.
 *
 * @param ranges The ranges.
 * @returns The variables.
 */
export function rangesAsEnvironment({ ports, uids, gid }: OwnRanges): Record<string, string> {
  return {
    BLOCKYARD_PROCESS_PORT_RANGE_START: String(ports.start),
    BLOCKYARD_PROCESS_PORT_RANGE_END: String(ports.end),
    BLOCKYARD_PROCESS_WORKER_UID_RANGE_START: String(uids.start),
    BLOCKYARD_PROCESS_WORKER_UID_RANGE_END: String(uids.end),
    BLOCKYARD_PROCESS_WORKER_GID: String(gid),
    // More workers than slots would be a mistake in the configuration.
    BLOCKYARD_PROXY_MAX_WORKERS: String(SLOTS),
  };
}

function block({ start, end }: IdRange): IdRange {
  const blocks = Math.floor((end - start + 1) / SLOTS);
  const first = start + Math.floor(Math.random() * blocks) * SLOTS;
  return { start: first, end: first + SLOTS - 1 };
}
