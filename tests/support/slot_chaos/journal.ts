import { MonotonicClock } from "#tests/bench/support/monotonic.ts";

/** The kinds of slots, and the letter that stands for each in a journal. */
export const KIND_LETTERS = { port: "p", uid: "u" } as const;

/** A kind of slots. */
export type SlotKindName = keyof typeof KIND_LETTERS;

/** Something that a process did. */
export interface JournalEntry {
  /** `claimed` comes after the claim was made, `releasing` before the release is asked for. */
  readonly event: "claimed" | "releasing";
  /** What kind of slot it is. */
  readonly kind: SlotKindName;
  /** The slot. */
  readonly slot: number;
  /** When, in nanoseconds of the kernel's monotonic clock, which all processes share. */
  readonly atNs: bigint;
}

/** All lines have this many bytes, so that the size of a journal tells how many entries it has. */
export const LINE_BYTES = 35;

/**
 * What one process holds from when to when, written down by itself and read by others. Each entry is
 * one write(2) to the end of a file, and stays there when the process is killed after it.
 */
export class Journal implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #clock = new MonotonicClock();
  readonly #encoder = new TextEncoder();

  /**
   * Opens a journal.
   *
   * @param path Its file, which is made if it is not there.
   */
  constructor(path: string) {
    this.#file = Deno.openSync(path, { append: true, create: true });
  }

  /**
   * Writes an entry with the present time.
   *
   * @param event What happens.
   * @param kind What kind of slot it is.
   * @param slot The slot.
   */
  write(event: JournalEntry["event"], kind: SlotKindName, slot: number): void {
    const line = formatEntry({ event, kind, slot, atNs: this.#clock.nowNs() });
    this.#file.writeSync(this.#encoder.encode(line));
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#file.close();
    this.#clock[Symbol.dispose]();
  }
}

/**
 * Writes an entry as a line of a journal has it.
 *
 * @param entry The entry.
 * @returns {@linkcode LINE_BYTES} characters, the last of them a line end.
 */
export function formatEntry({ event, kind, slot, atNs }: JournalEntry): string {
  const letter = event === "claimed" ? "C" : "R";
  const numbers = `${String(slot).padStart(10, "0")} ${String(atNs).padStart(19, "0")}`;
  return `${letter} ${KIND_LETTERS[kind]} ${numbers}\n`;
}

/**
 * Reads a journal.
 *
 * @param text What is in its file.
 * @returns The entries in their order; a last line without an end is left out.
 * @throws {Error} When there is something else in it.
 */
export function parseJournal(text: string): JournalEntry[] {
  return text.split("\n").slice(0, -1).map((line) => {
    const [, event, letter, slot, atNs] = /^([CR]) ([pu]) (\d{10}) (\d{19})$/.exec(line) ?? [];
    if (slot === undefined || atNs === undefined) throw new Error(`no line of a journal: ${line}`);
    return {
      event: event === "C" ? "claimed" : "releasing",
      kind: letter === "p" ? "port" : "uid",
      slot: Number(slot),
      atNs: BigInt(atNs),
    };
  });
}
