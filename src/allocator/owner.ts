/**
 * Who holds a claim: a server process of a host. Slots belong to hosts, so that the same number is
 * another slot on another host.
 */
export interface ClaimOwner {
  /** The machine: 1 to 64 of `[A-Za-z0-9-]`, the same for all servers on it. */
  readonly hostId: string;
  /** The server: 1 to 64 of `[A-Za-z0-9-]`, new with each start. */
  readonly serverId: string;
  /** Its process id. */
  readonly pid: number;
  /**
   * When that process was started, in a form that no later process with the same id has: the host's
   * boot id, the pid namespace and the start time in clock ticks since boot,
   * `BOOT:NAMESPACE:TICKS` of `[A-Za-z0-9:-]`.
   */
  readonly startedAt: string;
}

/** The process of a claim, as it stands in a store. */
export type ClaimProcess = Pick<ClaimOwner, "serverId" | "pid" | "startedAt">;

/**
 * Tells whether the process behind a claim of this host still runs.
 *
 * @param process The process as the store has it.
 * @returns False only when it is certain that it is gone: no process has that id, or the one that
 * has it was started at another time.
 */
export type IsLive = (process: ClaimProcess) => Promise<boolean>;
