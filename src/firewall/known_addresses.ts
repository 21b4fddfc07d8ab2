import {
  type Clock,
  errorMessage,
  type IpRange,
  ipRangeText,
  type Logger,
  parseIpRange,
} from "#src/core/mod.ts";

/** What {@linkcode KnownAddresses} work with. */
export interface KnownAddressesParts {
  /** Looks a name up; rejects when it is not known, or nobody answers. */
  readonly lookUp: (hostname: string) => Promise<readonly string[]>;
  /** The time. */
  readonly clock: Clock;
  /** Told of names that cannot be looked up again. */
  readonly log: Logger;
}

/** How long an address is refused that a name no longer has, in milliseconds. */
const KEEP_MS = 3_600_000;

/**
 * The addresses of names. A name server may tell some of them at a time only, or none for a while,
 * and what was not refused would be open: so what was told once counts for an hour, and longer where
 * nothing is told any more.
 */
export class KnownAddresses {
  readonly #parts: KnownAddressesParts;
  readonly #seen = new Map<string, Map<string, number>>();

  /**
   * Looks nothing up yet.
   *
   * @param parts What it works with.
   */
  constructor(parts: KnownAddressesParts) {
    this.#parts = parts;
  }

  /**
   * Looks a name up again.
   *
   * @param hostname The name; an address stands for itself.
   * @returns Its addresses, those it had before included, in an order that does not change.
   * @throws {Error} When it has never been known.
   */
  async of(hostname: string): Promise<IpRange[]> {
    const literal = parseIpRange(hostname);
    if (literal !== undefined) return [literal];
    const { lookUp, clock, log } = this.#parts;
    const seen = this.#seen.get(hostname) ?? new Map<string, number>();
    try {
      for (const address of await lookUp(hostname)) {
        const range = parseIpRange(address.replace(/%.*$/, ""));
        if (range !== undefined) seen.set(ipRangeText(range), clock.now());
      }
      for (const [address, at] of seen) {
        if (clock.now() - at > KEEP_MS) seen.delete(address);
      }
    } catch (error) {
      if (seen.size === 0) throw error;
      log.warn("a name cannot be looked up for the firewall, its addresses stay", {
        name: hostname,
        error: errorMessage(error),
      });
    }
    if (seen.size === 0) throw new Error(`cannot look up ${hostname}: it has no address`);
    this.#seen.set(hostname, seen);
    return [...seen.keys()].toSorted().flatMap((address) => parseIpRange(address) ?? []);
  }
}
