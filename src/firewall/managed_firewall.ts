import { type Clock, errorMessage, type Logger } from "#src/core/mod.ts";
import type { Nft } from "./nft.ts";

/** What a {@linkcode ManagedFirewall} works with. */
export interface ManagedFirewallParts {
  /** The tables of the host. */
  readonly nft: Nft;
  /** The table that is this server's alone. */
  readonly table: string;
  /** Tells what `nft -f` is to be given for it as things are now. */
  readonly rules: () => Promise<string>;
  /** Tells when it is time. */
  readonly clock: Clock;
  /** Told what had to be done. */
  readonly log: Logger;
  /** How long to wait before each look, in milliseconds. */
  readonly intervalMs: number;
}

/**
 * Rules that are set, and set again when they no longer are as they should be. Disposing it ends
 * that, but leaves the rules: only who knows that no worker is left may remove them.
 */
export class ManagedFirewall implements AsyncDisposable {
  readonly #parts: ManagedFirewallParts;
  readonly #ending = new AbortController();
  #keeping: Promise<void> = Promise.resolve();
  #text = "";
  #listing = "";

  private constructor(parts: ManagedFirewallParts) {
    this.#parts = parts;
  }

  /**
   * Sets the rules.
   *
   * @param parts What it works with.
   * @returns The rules, which are looked after from now on.
   * @throws {Error} When they cannot be set.
   */
  static async open(parts: ManagedFirewallParts): Promise<ManagedFirewall> {
    const firewall = new ManagedFirewall(parts);
    await firewall.#set(await parts.rules());
    firewall.#keeping = firewall.#keep();
    return firewall;
  }

  /**
   * Looks once whether the rules are there as they were set, and sets them again where they are not
   * or where others are wanted.
   *
   * @throws {Error} When that cannot be told or done; the rules may be missing then.
   */
  async check(): Promise<void> {
    const { nft, table, rules, log } = this.#parts;
    const listing = await nft.list(table);
    const isAsSet = listing === this.#listing;
    if (!isAsSet) {
      log.warn(
        "firewall rules are not as they were set, and are set again: what workers have connected to " +
          "meanwhile stays connected",
        { table, found: listing === undefined ? "removed" : "changed" },
      );
      await this.#set(this.#text);
    }
    const wanted = await rules();
    if (wanted === this.#text) return;
    await this.#set(wanted);
    log.info("firewall rules follow addresses that changed", { table });
  }

  /**
   * Ends looking after the rules and removes them. For when no worker is left.
   *
   * @throws {Error} When they cannot be removed.
   */
  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await this.#parts.nft.remove(this.#parts.table);
  }

  /** Ends looking after the rules. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    await this.#keeping;
  }

  /** What nft makes of a text is its own business, so that it is asked right afterwards. */
  async #set(text: string): Promise<void> {
    const { nft, table } = this.#parts;
    await nft.apply(text);
    const listing = await nft.list(table);
    if (listing === undefined) {
      throw new Error(`cannot find the firewall rules just set in ${table}`);
    }
    this.#text = text;
    this.#listing = listing;
  }

  async #keep(): Promise<void> {
    const { clock, log, table, intervalMs } = this.#parts;
    const { signal } = this.#ending;
    while (true) {
      await clock.sleep(intervalMs, { signal });
      if (signal.aborted) return;
      try {
        await this.check();
      } catch (error) {
        log.error("firewall rules may be missing: workers may reach what they must not", {
          table,
          error: errorMessage(error),
        });
      }
    }
  }
}
