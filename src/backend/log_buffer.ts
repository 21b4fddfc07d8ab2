import { type Clock, systemClock } from "#src/core/mod.ts";
import type { LogLine } from "./backend.ts";
import { CUT_MARKER_BYTES, LineSplitter } from "./line_splitter.ts";
import type { OutputPace } from "./output_pace.ts";

/** How much a {@linkcode LogBuffer} keeps. */
export interface LogBufferOptions {
  /** Lines at most, 1 or above; 10 000 if not given. */
  readonly maxLines?: number;
  /** Bytes of UTF-8 at most, room for one line of `maxLineBytes` or above; 4 MiB if not given. */
  readonly maxBytes?: number;
  /** Where a line is cut, in bytes of UTF-8, 1 or above; 16 KiB if not given. */
  readonly maxLineBytes?: number;
  /** Where the time of a line comes from; the real clock if not given. */
  readonly clock?: Pick<Clock, "now">;
  /** How fast it is read from the program; as fast as it comes if not given. */
  readonly pace?: OutputPace;
}

/** How much is taken from what one read has brought before the pace is asked, in bytes. */
const PART_BYTES = 4096;

interface KeptLine {
  readonly line: LogLine;
  readonly byteLength: number;
}

/**
 * Both output streams of a program, line by line, the newest that fit. Reading from the program
 * waits for nobody, but keeps to its pace: when the buffer is full, the oldest lines go, and a reader that was too
 * slow for them sees a gap in the numbers.
 */
export class LogBuffer {
  readonly #maxLines: number;
  readonly #maxBytes: number;
  readonly #maxLineBytes: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #pace: OutputPace | undefined;
  /** The line with number `seq` is at `(seq - 1) % maxLines`. */
  readonly #ring: (KeptLine | undefined)[] = [];
  #firstSeq = 1;
  #nextSeq = 1;
  #bytes = 0;
  readonly #begun = new Set<LogLine["stream"]>();
  readonly #ended = new Set<LogLine["stream"]>();
  readonly #waiting = new Set<() => void>();

  /**
   * Makes an empty buffer.
   *
   * @param options How much it keeps.
   * @throws {RangeError} When a limit is no whole number of 1 or above, or `maxBytes` has no room
   * for one line of the greatest length.
   */
  constructor(options: LogBufferOptions = {}) {
    this.#maxLines = checkLimit("lines", options.maxLines ?? 10_000, 1);
    this.#maxLineBytes = checkLimit("bytes in a line", options.maxLineBytes ?? 16 * 1024, 1);
    this.#maxBytes = checkLimit(
      "bytes",
      options.maxBytes ?? 4 * 1024 ** 2,
      this.#maxLineBytes + CUT_MARKER_BYTES,
    );
    this.#clock = options.clock ?? systemClock;
    this.#pace = options.pace;
  }

  /**
   * Reads one stream of the program to its end. Lines are there for readers at once.
   *
   * @param stream Which one it is; each can be captured once.
   * @param readable Its bytes.
   * @returns A promise that resolves when the stream has ended and its last line, also one without
   * a line end, is in the buffer.
   * @throws {TypeError} When that stream is captured already.
   * @throws {Error} When reading fails; the stream then counts as ended.
   */
  async capture(stream: "stdout" | "stderr", readable: ReadableStream<Uint8Array>): Promise<void> {
    if (this.#begun.has(stream)) {
      throw new TypeError(`cannot capture ${stream} a second time: want one stream of each name`);
    }
    this.#begun.add(stream);
    const splitter = new LineSplitter(
      this.#maxLineBytes,
      ({ text, byteLength }) => this.#add(stream, text, byteLength),
    );
    try {
      for await (const chunk of readable) await this.#take(chunk, splitter);
    } finally {
      splitter.end();
      this.#ended.add(stream);
      this.#wake();
    }
  }

  /** Says that the program has ended: what it has left to be read is read without pauses. */
  hurry(): void {
    this.#pace?.lift();
  }

  /** Says that nothing more will come, for a program that never came to run: followers end. */
  close(): void {
    this.#ended.add("stdout").add("stderr");
    this.#wake();
  }

  /**
   * Reads the lines from the oldest one kept.
   *
   * @param options With `follow`, waits for new lines until both streams have ended; without it
   * ends at the newest line. When `signal` is aborted the reading ends, without an error.
   * @returns The lines in order. Each iteration reads anew, and costs nothing before its first step
   * or after its end.
   */
  read(options: { follow?: boolean; signal?: AbortSignal } = {}): AsyncIterable<LogLine> {
    return { [Symbol.asyncIterator]: () => this.#iterate(options.follow ?? false, options.signal) };
  }

  /**
   * Takes the newest lines.
   *
   * @param count How many at most, a whole number; all that are kept if not given.
   * @returns The lines, oldest first.
   */
  tail(count = Infinity): LogLine[] {
    const lines: LogLine[] = [];
    for (let seq = Math.max(this.#firstSeq, this.#nextSeq - count); seq < this.#nextSeq; seq++) {
      lines.push(this.#kept(seq).line);
    }
    return lines;
  }

  async #take(chunk: Uint8Array, splitter: LineSplitter): Promise<void> {
    for (let start = 0; start < chunk.length; start += PART_BYTES) {
      const part = chunk.subarray(start, start + PART_BYTES);
      const firstSeq = this.#nextSeq;
      splitter.push(part);
      const lines = this.#nextSeq - firstSeq;
      await this.#pace?.spend({ bytes: part.length, lines, reads: start === 0 ? 1 : 0 });
    }
  }

  #add(stream: LogLine["stream"], text: string, byteLength: number): void {
    while (
      this.#nextSeq - this.#firstSeq >= this.#maxLines || this.#bytes + byteLength > this.#maxBytes
    ) this.#dropOldest();
    const line: LogLine = { seq: this.#nextSeq, stream, timeMs: this.#clock.now(), text };
    this.#ring[(this.#nextSeq - 1) % this.#maxLines] = { line, byteLength };
    this.#nextSeq++;
    this.#bytes += byteLength;
    this.#wake();
  }

  #dropOldest(): void {
    this.#bytes -= this.#kept(this.#firstSeq).byteLength;
    this.#ring[(this.#firstSeq - 1) % this.#maxLines] = undefined;
    this.#firstSeq++;
  }

  #kept(seq: number): KeptLine {
    const kept = this.#ring[(seq - 1) % this.#maxLines];
    if (kept === undefined) throw new Error(`cannot find line ${seq}: want one that is kept`);
    return kept;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #iterate(follow: boolean, signal: AbortSignal | undefined): AsyncIterableIterator<LogLine> {
    const stop = new AbortController();
    const lines = this.#lines(follow, signal ? [signal, stop.signal] : [stop.signal]);
    return {
      next: () => lines.next(),
      return: () => {
        stop.abort(); // a generator that waits for a line would not look at return() before it
        return lines.return(undefined);
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  async *#lines(follow: boolean, signals: readonly AbortSignal[]): AsyncGenerator<LogLine> {
    const end = follow ? Infinity : this.#nextSeq;
    let seq = this.#firstSeq;
    while (!signals.some((signal) => signal.aborted)) {
      seq = Math.max(seq, this.#firstSeq);
      if (seq >= end) return;
      if (seq < this.#nextSeq) yield this.#kept(seq++).line;
      else if (this.#ended.size === 2) return;
      else await this.#change(signals);
    }
  }

  /** Waits for a line, an end or an abort, and leaves nothing behind. */
  #change(signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake);
        for (const signal of signals) signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      for (const signal of signals) signal.addEventListener("abort", wake, { once: true });
    });
  }
}

function checkLimit(what: string, value: number, minimum: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new RangeError(
    `cannot keep ${value} ${what} of a log: want a whole number of ${minimum} or above`,
  );
}
