/** What one client and one upstream may take of memory and time. */
export interface HttpLimits {
  /** The head of a message with its request or status line, in bytes, 256 to 1048576. */
  readonly headBytes: number;
  /** The request target, in bytes, 1 up to `headBytes`. */
  readonly targetBytes: number;
  /** Header fields in one head, 1 or more. */
  readonly headerCount: number;
  /** From the first byte of a request (or the start of a connection) to the end of its head, ms. */
  readonly headMs: number;
  /** How long a connection may wait for its next request, ms. */
  readonly keepAliveMs: number;
  /** How long a client may send nothing of a body, or take nothing of an answer, ms. */
  readonly stallMs: number;
  /** How long connecting to an upstream may take, ms. */
  readonly connectMs: number;
  /** How long a client that expects `100 Continue` waits for the upstream's, ms. */
  readonly continueMs: number;
  /** How much of a request body that nobody wants is read to keep the connection, bytes. */
  readonly drainBytes: number;
  /** How long the last bytes towards a client may take before the connection is closed, ms. */
  readonly lingerMs: number;
  /** How long one side of a tunnel may stay silent once the other side has ended, ms. */
  readonly halfClosedMs: number;
  /** Idle connections kept for one upstream, 0 or more. */
  readonly idlePerUpstream: number;
  /** How long a connection to an upstream is kept idle, ms. */
  readonly upstreamIdleMs: number;
  /** Client connections at one time, 1 or more; more wait in the kernel's backlog. */
  readonly maxConnections: number;
}

/** The limits where none are given. */
export const DEFAULT_LIMITS: HttpLimits = {
  headBytes: 32 * 1024,
  targetBytes: 8 * 1024,
  headerCount: 100,
  headMs: 15_000,
  keepAliveMs: 60_000,
  stallMs: 60_000,
  connectMs: 5_000,
  continueMs: 1_000,
  drainBytes: 64 * 1024,
  lingerMs: 2_000,
  halfClosedMs: 10_000,
  idlePerUpstream: 32,
  upstreamIdleMs: 30_000,
  maxConnections: 10_000,
};

/** The lowest value that each limit can have. */
const LOWEST: HttpLimits = {
  headBytes: 256,
  targetBytes: 1,
  headerCount: 1,
  headMs: 1,
  keepAliveMs: 1,
  stallMs: 1,
  connectMs: 1,
  continueMs: 1,
  drainBytes: 0,
  lingerMs: 1,
  halfClosedMs: 1,
  idlePerUpstream: 0,
  upstreamIdleMs: 1,
  maxConnections: 1,
};

/**
 * Completes a set of limits.
 *
 * @param some The limits that differ from {@linkcode DEFAULT_LIMITS}.
 * @returns All limits.
 * @throws {RangeError} When a limit is below the lowest value it can have, is no whole number, or
 * `headBytes` is above 1048576.
 */
export function completeLimits(some: Partial<HttpLimits>): HttpLimits {
  const limits = { ...DEFAULT_LIMITS, ...some };
  for (const name of Object.keys(DEFAULT_LIMITS) as (keyof HttpLimits)[]) {
    const value = limits[name];
    if (!Number.isSafeInteger(value) || value < LOWEST[name]) {
      throw new RangeError(
        `cannot set HTTP limit ${name} to ${value}: want a whole number from ${LOWEST[name]}`,
      );
    }
  }
  if (limits.headBytes > 1024 * 1024) {
    throw new RangeError(
      `cannot set HTTP limit headBytes to ${limits.headBytes}: want at most 1048576`,
    );
  }
  return limits;
}
