import { MessageError } from "./message_error.ts";

/** A chunk's size line with its extensions, in bytes. */
const MAX_SIZE_LINE = 1024;
/** All trailer lines together, in bytes. */
const MAX_TRAILERS = 8 * 1024;
/** Enough for 2^52 bytes, so that sizes stay exact. */
const MAX_SIZE_DIGITS = 13;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const SEMICOLON = 0x3b;
const DEL = 0x7f;

type State =
  | "size"
  | "extension"
  | "size_lf"
  | "data"
  | "data_cr"
  | "data_lf"
  | "line_start"
  | "trailer"
  | "trailer_lf"
  | "last_lf"
  | "done";

/** A piece of a buffer: what of it was used, and what of it is data. */
export interface DecodedPiece {
  /** Where the data begins. */
  readonly start: number;
  /** Where the data ends, and the next call goes on. */
  readonly end: number;
}

/**
 * Reads the chunked coding, RFC 9112, 7.1, strictly: each line ends in CRLF, a size is hexadecimal
 * digits and nothing else. Extensions and trailers are checked and dropped.
 */
export class ChunkDecoder {
  #state: State = "size";
  #digits = 0;
  #size = 0;
  #line = 0;
  #trailers = 0;

  /** @returns Whether the last chunk and the trailers were read. */
  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Goes on until some data is found, the body is over, or the bytes are used up.
   *
   * @param bytes Where the body is.
   * @param range Which part of `bytes` is new.
   * @returns The next piece of data; empty when the bytes are used up or the body is over. The next
   * call begins at its `end`.
   * @throws {MessageError} With 400 when the coding is broken or a line is too long.
   */
  next(bytes: Uint8Array, { start, end }: { start: number; end: number }): DecodedPiece {
    let at = start;
    while (at < end && this.#state !== "done") {
      if (this.#state === "data") {
        const length = Math.min(this.#size, end - at);
        this.#size -= length;
        if (this.#size === 0) this.#state = "data_cr";
        return { start: at, end: at + length };
      }
      this.#step(bytes[at++] as number);
    }
    return { start: at, end: at };
  }

  #step(byte: number): void {
    switch (this.#state) {
      case "size":
        return this.#stepSize(byte);
      case "extension":
        if (++this.#line > MAX_SIZE_LINE) throw new MessageError(400, "a chunk line is too long");
        if (byte === CR) this.#state = "size_lf";
        else checkText(byte);
        return;
      case "size_lf":
        want(byte, LF);
        this.#state = this.#size === 0 ? "line_start" : "data";
        this.#digits = 0;
        this.#line = 0;
        return;
      case "data_cr":
        want(byte, CR);
        this.#state = "data_lf";
        return;
      case "data_lf":
        want(byte, LF);
        this.#state = "size";
        return;
      case "line_start":
      case "trailer":
        if (++this.#trailers > MAX_TRAILERS) {
          throw new MessageError(400, "the trailers are too long");
        }
        if (byte === CR) {
          this.#state = this.#state === "line_start" ? "last_lf" : "trailer_lf";
        } else {
          checkText(byte);
          this.#state = "trailer";
        }
        return;
      case "trailer_lf":
        want(byte, LF);
        this.#state = "line_start";
        return;
      case "last_lf":
        want(byte, LF);
        this.#state = "done";
        return;
    }
  }

  #stepSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      if (++this.#digits > MAX_SIZE_DIGITS) throw new MessageError(400, "a chunk is too large");
      this.#size = this.#size * 16 + digit;
    } else if (this.#digits > 0 && byte === CR) {
      this.#state = "size_lf";
    } else if (this.#digits > 0 && byte === SEMICOLON) {
      this.#state = "extension";
    } else {
      throw new MessageError(400, "a chunk size is not a hexadecimal number");
    }
  }
}

function want(byte: number, wanted: number): void {
  if (byte !== wanted) throw new MessageError(400, "a CRLF of the chunked coding is missing");
}

function checkText(byte: number): void {
  if ((byte < SPACE && byte !== TAB) || byte === DEL) {
    throw new MessageError(400, "a line of the chunked coding contains a control character");
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
