const LF = 0x0a;
const CR = 0x0d;

/** What ends a line that was longer than the limit. */
export const CUT_MARKER = " …[cut]";

/** Length of {@linkcode CUT_MARKER} in UTF-8, in bytes. */
export const CUT_MARKER_BYTES: number = new TextEncoder().encode(CUT_MARKER).length;

/** A line as it came out of the bytes. */
export interface SplitLine {
  /** Without its line end; ends in {@linkcode CUT_MARKER} when it was longer than the limit. */
  readonly text: string;
  /** Length of `text` in UTF-8, in bytes. */
  readonly byteLength: number;
}

/**
 * Turns one stream of bytes into lines, in memory that does not grow with their length.
 *
 * A line ends at LF or CRLF. A CR elsewhere does what it does on a terminal: the line begins anew,
 * so that of a progress bar the state that was last shown is kept. Bytes that are no UTF-8 become
 * U+FFFD; everything else, NUL and escape sequences included, stays as the program wrote it.
 */
export class LineSplitter {
  readonly #onLine: (line: SplitLine) => void;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #encoder = new TextEncoder();
  /** The current line as far as it came, up to the limit. */
  readonly #line: Uint8Array<ArrayBuffer>;
  #length = 0;
  #tooLong = false;
  /** A CR came last: what follows decides whether it is part of a line end. */
  #pendingCr = false;

  /**
   * Makes a splitter at the start of a stream.
   *
   * @param maxLineBytes Where a line is cut, in bytes of UTF-8 without the marker, 1 or above.
   * @param onLine Gets each line, synchronously.
   */
  constructor(maxLineBytes: number, onLine: (line: SplitLine) => void) {
    this.#line = new Uint8Array(maxLineBytes);
    this.#onLine = onLine;
  }

  /**
   * Takes the next bytes of the stream; they may end anywhere, also within a character.
   *
   * @param chunk The bytes; not kept.
   */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i];
      if (byte === LF) {
        this.#append(chunk, start, i);
        this.#endLine();
        start = i + 1;
      } else if (byte === CR) {
        this.#append(chunk, start, i);
        this.#pendingCr = true;
        start = i + 1;
      }
    }
    this.#append(chunk, start, chunk.length);
  }

  /** Takes the end of the stream: what stands after the last line end is a line, too. */
  end(): void {
    if (this.#length > 0) this.#endLine();
  }

  #append(chunk: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    if (this.#pendingCr) this.#startLine();
    const room = this.#line.length - this.#length;
    const taken = Math.min(end - start, room);
    this.#line.set(chunk.subarray(start, start + taken), this.#length);
    this.#length += taken;
    if (end - start > room) this.#tooLong = true;
  }

  #startLine(): void {
    this.#length = 0;
    this.#tooLong = false;
    this.#pendingCr = false;
  }

  #endLine(): void {
    const line = this.#decode();
    this.#startLine();
    this.#onLine(line);
  }

  #decode(): SplitLine {
    const bytes = this.#line.subarray(0, this.#length);
    // In stream mode the decoder keeps back a character that the cut went through.
    const text = this.#decoder.decode(bytes, { stream: this.#tooLong });
    if (this.#tooLong) this.#decoder.decode();
    if (!this.#tooLong && text.length === this.#length && !text.includes("\ufffd")) {
      return { text, byteLength: text.length }; // all ASCII
    }
    // A byte that was replaced has become three.
    const fits = this.#encoder.encodeInto(text, this.#line);
    if (!this.#tooLong && fits.read === text.length) return { text, byteLength: fits.written };
    return {
      text: text.slice(0, fits.read) + CUT_MARKER,
      byteLength: fits.written + CUT_MARKER_BYTES,
    };
  }
}
