import type { Clock } from "#src/core/mod.ts";

/** Some output, as it was read. */
export interface OutputPart {
  /** How long it is, in bytes. */
  readonly bytes: number;
  /** How many lines ended in it. */
  readonly lines: number;
  /** How many reads it took; 0 for all but the first part of what one read has brought. */
  readonly reads: number;
}

/** What may be read at any time in a row, and each second in the long run, in units of a byte. */
const BURST = 4 * 1024 ** 2;
const PER_SECOND = 1024 ** 2;
/** What a line and a read cost besides their bytes: about as much time as that many bytes. */
const LINE_COST = 100;
const READ_COST = 4096;
/** How much is read before the rest of this process has its turn. */
const TURN = 64 * 1024;
/** The shortest pause, in milliseconds: a program that writes bytes is read in larger pieces then. */
const MIN_PAUSE_MS = 20;

/**
 * How fast the output of one program is read. It may write some megabytes at once; one that writes
 * without end is held to a megabyte a second, or ten thousand lines, because its pipes are full
 * until then and it has to wait. Otherwise reading them would take this process from everybody else.
 */
export class OutputPace {
  readonly #clock: Pick<Clock, "monotonicMs" | "sleep">;
  readonly #lifted = new AbortController();
  /** What may be read now; below 0 while it has to be waited. */
  #left = BURST;
  #atMs: number;
  #sinceTurn = 0;

  /**
   * Starts with all that may be read in a row.
   *
   * @param clock Tells and lets pass time.
   */
  constructor(clock: Pick<Clock, "monotonicMs" | "sleep">) {
    this.#clock = clock;
    this.#atMs = clock.monotonicMs();
  }

  /**
   * Counts what was read.
   *
   * @param part What it was.
   * @returns What to wait for before more is read; undefined when that may be at once.
   */
  spend({ bytes, lines, reads }: OutputPart): Promise<void> | undefined {
    const cost = bytes + lines * LINE_COST + reads * READ_COST;
    this.#sinceTurn += cost;
    if (!this.#lifted.signal.aborted) {
      this.#refill();
      this.#left -= cost;
      if (this.#left < 0) {
        this.#sinceTurn = 0;
        const ms = Math.max(MIN_PAUSE_MS, -this.#left / PER_SECOND * 1000);
        return this.#clock.sleep(ms, { signal: this.#lifted.signal });
      }
    }
    if (this.#sinceTurn < TURN) return undefined;
    this.#sinceTurn = 0;
    return this.#clock.sleep(0);
  }

  /** Reads on without pauses: for a program that has ended, and left what its pipes could hold. */
  lift(): void {
    this.#lifted.abort();
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#left = Math.min(BURST, this.#left + (nowMs - this.#atMs) / 1000 * PER_SECOND);
    this.#atMs = nowMs;
  }
}
