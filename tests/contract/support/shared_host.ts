import { ExhaustedError, type Uid } from "#src/core/mod.ts";
import {
  type ClaimOwner,
  type IsLive,
  type SlotAllocator,
  type SlotRange,
  UID_SLOTS,
} from "#src/allocator/mod.ts";
import type { StreamProxy } from "#tests/support/stream_proxy.ts";
import { until } from "#tests/support/until.ts";

/** For whom an allocator is opened. */
export interface OpenOptions {
  /** The server that claims. */
  readonly owner: ClaimOwner;
  /** Tells whether another server lives. */
  readonly isLive: IsLive;
  /** Whether it goes around the proxy, so that no outage reaches it. */
  readonly direct: boolean;
  /** What each call to the store gets, in milliseconds. */
  readonly deadlineMs: number;
}

/** A store of its own for one test, empty at first. Disposing it closes all that was opened. */
export interface SharedStore extends AsyncDisposable {
  /** Between the allocators and the store. */
  readonly proxy: StreamProxy;
  /**
   * Opens an allocator with connections of its own.
   *
   * @param range Where uids come from.
   * @param options For whom.
   * @returns The allocator.
   */
  open(range: SlotRange, options: OpenOptions): Promise<SlotAllocator<Uid>>;
}

/** The first uid of most ranges. */
export const BASE = UID_SLOTS.toSlot(1_900_000_000);
/** What calls get that are answered, however slow the machine, in milliseconds. */
const PATIENT_MS = 30_000;

/** Registers a test with a host of its own. */
export type HostTest = (behaviour: string, body: (host: Host) => Promise<void>) => void;

/** The servers of a test, and what they keep their claims in. */
export class Host {
  /** Between the servers and the store. */
  readonly proxy: StreamProxy;
  /** Tells every server which others live. */
  isLive: IsLive = () => Promise.resolve(true);
  readonly #store: SharedStore;
  readonly #deadlineMs: number;
  #watcher: SlotAllocator<Uid> | undefined;
  #size = 1;

  /**
   * Starts with no server.
   *
   * @param store Where claims are kept.
   * @param deadlineMs What each call to the store gets, in milliseconds.
   */
  constructor(store: SharedStore, deadlineMs: number = PATIENT_MS) {
    this.proxy = store.proxy;
    this.#store = store;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * Opens an allocator for a server.
   *
   * @param server Its name.
   * @param size How many uids its range has.
   * @param options `start` is the first uid, `hostId` its host; `direct` keeps outages from it.
   * @returns The allocator.
   */
  async open(
    server: string,
    size: number,
    options: { start?: number; hostId?: string; direct?: boolean } = {},
  ): Promise<SlotAllocator<Uid>> {
    const { start = BASE, hostId = "host-1", direct = false } = options;
    this.#size = Math.max(this.#size, size);
    return await this.#store.open({ start, end: start + size - 1 }, {
      owner: { hostId, serverId: `server-${server}`, pid: 4711, startedAt: "boot:17" },
      isLive: (process) => this.isLive(process),
      direct,
      deadlineMs: direct ? PATIENT_MS : this.#deadlineMs,
    });
  }

  /**
   * Counts what is claimed, whatever the proxy does.
   *
   * @returns How many uids of the largest range that was opened.
   */
  async inUse(): Promise<number> {
    this.#watcher ??= await this.open("watcher", this.#size, { direct: true });
    return await this.#watcher.inUse();
  }

  /**
   * Waits until so many are claimed.
   *
   * @param count How many.
   * @param what What that means, for the error.
   */
  async untilInUse(count: number, what: string): Promise<void> {
    let last = -1;
    await until(async () => (last = await this.inUse()) === count, {
      what: () => `${what}: ${last} in use, want ${count}`,
      withinMs: 30_000,
    });
  }
}

/**
 * Claims until there is none left.
 *
 * @param slots The allocator.
 * @returns What it got, in order.
 */
export async function claimAll(slots: SlotAllocator<Uid>): Promise<Uid[]> {
  const claimed: Uid[] = [];
  while (true) {
    try {
      claimed.push(await slots.claim());
    } catch (error) {
      if (error instanceof ExhaustedError) return claimed;
      throw error;
    }
  }
}

/**
 * Claims some, one after the other.
 *
 * @param slots The allocator.
 * @param count How many.
 * @returns What it got, in order.
 */
export async function claimMany(slots: SlotAllocator<Uid>, count: number): Promise<Uid[]> {
  const claimed: Uid[] = [];
  while (claimed.length < count) claimed.push(await slots.claim());
  return claimed;
}
