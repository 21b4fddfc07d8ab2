// deno-lint-ignore-file no-console -- a program that talks to the test over its streams
/**
 * A server that does nothing but claim and release slots, as fast as it can, and writes down what it
 * holds. Its one argument is a {@linkcode ClaimantJob} in JSON. Told `hold` on standard input it goes
 * on with nothing and says `held` with a {@linkcode HoldReport}; told `finish` it gives everything
 * back and ends with 0.
 *
 * @module
 */
import {
  openSlots,
  type SlotAllocator,
  type SlotRange,
  type SlotStore,
} from "#src/allocator/mod.ts";
import { ExhaustedError, silentLogger, StoreUnavailableError, systemClock } from "#src/core/mod.ts";
import { livenessOfServers, readServerOwner } from "#src/server_owner.ts";
import { Journal, type SlotKindName } from "./journal.ts";

/** What a claimant is told. */
export interface ClaimantJob {
  /** Where claims are kept. */
  readonly store: SlotStore;
  /** A file with the id of the host that it says it is on. */
  readonly machineIdPath: string;
  /** Where its journal goes. */
  readonly journalPath: string;
  /** Where slots of each kind come from. */
  readonly ranges: Readonly<Record<SlotKindName, SlotRange>>;
  /** How many slots of each kind it holds most of the time. */
  readonly target: number;
  /** How many claims or releases of each kind are under way at a time. */
  readonly lanes: number;
}

/** What a claimant holds and has seen. */
export interface HoldReport {
  /** How many slots of each kind it holds. */
  readonly held: Readonly<Record<SlotKindName, number>>;
  /** How many calls failed because the store was away. */
  readonly outages: number;
}

/** Pauses after a call that failed, in milliseconds. */
const AFTER_EXHAUSTED_MS = 5;
const AFTER_OUTAGE_MS = 20;
/** How often slots of the dead are taken back, about, in milliseconds. */
const RECLAIM_MS = 300;

/** Holds slots of one kind. */
class Holder {
  readonly #slots: SlotAllocator<number>;
  readonly #kind: SlotKindName;
  readonly #journal: Journal;
  readonly #target: number;
  readonly #held: number[] = [];
  #claiming = 0;
  /** How many calls failed because the store was away. */
  outages = 0;

  constructor(
    slots: SlotAllocator<number>,
    options: { kind: SlotKindName; journal: Journal; target: number },
  ) {
    this.#slots = slots;
    this.#kind = options.kind;
    this.#journal = options.journal;
    this.#target = options.target;
  }

  /** How many slots it holds. */
  get held(): number {
    return this.#held.length;
  }

  /** Claims and releases until it is told to stop. */
  async cycle(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      if (this.#held.length + this.#claiming < this.#target) await this.#claim();
      else await this.#release();
    }
  }

  /** Releases everything. */
  async releaseAll(): Promise<void> {
    while (this.#held.length > 0) await this.#release();
  }

  async reclaim(): Promise<void> {
    await this.#slots.reclaimOrphans().catch((error) => this.#mustBeOutage(error));
  }

  async #claim(): Promise<void> {
    this.#claiming++;
    try {
      const slot = await this.#slots.claim();
      this.#journal.write("claimed", this.#kind, slot);
      this.#held.push(slot);
    } catch (error) {
      if (error instanceof ExhaustedError) return await systemClock.sleep(AFTER_EXHAUSTED_MS);
      this.#mustBeOutage(error);
      await systemClock.sleep(AFTER_OUTAGE_MS);
    } finally {
      this.#claiming--;
    }
  }

  async #release(): Promise<void> {
    const [slot] = this.#held.splice(Math.floor(Math.random() * this.#held.length), 1);
    if (slot === undefined) return;
    this.#journal.write("releasing", this.#kind, slot);
    await this.#slots.release(slot);
  }

  #mustBeOutage(error: unknown): void {
    if (!(error instanceof StoreUnavailableError)) throw error;
    this.outages++;
  }
}

async function main(job: ClaimantJob): Promise<void> {
  const { ranges, target, lanes } = job;
  using journal = new Journal(job.journalPath);
  await using slots = await openSlots(job.store, {
    ports: ranges.port,
    uids: ranges.uid,
    identify: async () => ({
      owner: await readServerOwner({ machineIdPaths: [job.machineIdPath] }),
      isLive: await livenessOfServers(),
    }),
    log: silentLogger,
    clock: systemClock,
  });
  if (slots.uids === undefined) throw new Error("there are no uids");
  const holders: Record<SlotKindName, Holder> = {
    port: new Holder(slots.ports, { kind: "port", journal, target }),
    uid: new Holder(slots.uids, { kind: "uid", journal, target }),
  };
  const both = Object.values(holders);
  let isHolding = false;
  const cycling = Promise.all(
    both.flatMap((holder) => Array.from({ length: lanes }, () => holder.cycle(() => isHolding))),
  );
  const ending = new AbortController();
  const reclaiming = (async () => {
    while (!ending.signal.aborted) {
      await systemClock.sleep(RECLAIM_MS * (0.5 + Math.random()), { signal: ending.signal });
      for (const holder of both) await holder.reclaim();
    }
  })();
  // What fails there must end the program even while it waits for a command.
  for (const work of [cycling, reclaiming]) work.catch(fail);

  const commands = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  for await (const command of commands) {
    if (command.trim() === "hold") {
      isHolding = true;
      await cycling;
      const report: HoldReport = {
        held: { port: holders.port.held, uid: holders.uid.held },
        outages: both.reduce((sum, { outages }) => sum + outages, 0),
      };
      console.log(`held ${JSON.stringify(report)}`);
    } else if (command.trim() === "finish") {
      ending.abort();
      await reclaiming;
      for (const holder of both) await holder.releaseAll();
      return;
    }
  }
  throw new Error("the test is gone");
}

function fail(error: unknown): never {
  console.error(`claimant ${Deno.pid}:`, error);
  Deno.exit(3);
}

if (import.meta.main) {
  await main(JSON.parse(Deno.args[0] ?? "")).catch(fail);
  Deno.exit(0);
}
