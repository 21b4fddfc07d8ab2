import { MessageError } from "./message_error.ts";

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DEL = 0x7f;

/**
 * Finds the end of a message head in bytes that come in pieces, and refuses what no head may hold:
 * control characters, a CR or LF that is not part of a CRLF (RFC 9112, 2.2), too many bytes. What
 * it finds does not depend on where the pieces are cut.
 *
 * One scanner serves one head at a time; {@linkcode HeadScanner.reset} makes it ready for the next.
 */
export class HeadScanner {
  /** Bytes looked at, counted from the start of the head. */
  #seen = 0;
  /** Where the current line began, counted likewise. */
  #lineStart = 0;
  #afterCr = false;
  #ascii = true;

  /** @param maxBytes How long a head may be, with its closing empty line. */
  constructor(readonly maxBytes: number) {}

  /** Forgets the head so far. */
  reset(): void {
    this.#seen = 0;
    this.#lineStart = 0;
    this.#afterCr = false;
    this.#ascii = true;
  }

  /** @returns Whether all bytes of the head were below 128. */
  get ascii(): boolean {
    return this.#ascii;
  }

  /** @returns How many bytes of the head were looked at. */
  get seen(): number {
    return this.#seen;
  }

  /**
   * Goes on with the bytes that have come since.
   *
   * @param bytes Where the head is.
   * @param range `start` is where the head begins, the same place at each call for one head unless
   * the bytes were moved; `end` is where the bytes end.
   * @returns The length of the head with its closing empty line, or -1 when it goes on.
   * @throws {MessageError} When the bytes cannot be a head: 400, 414 or 431.
   */
  scan(bytes: Uint8Array, { start, end }: { start: number; end: number }): number {
    const limit = Math.min(end, start + this.maxBytes);
    let lineStart = start + this.#lineStart;
    let afterCr = this.#afterCr;
    let high = 0;
    for (let at = start + this.#seen; at < limit; at++) {
      const byte = bytes[at] as number;
      if (byte >= SPACE && byte !== DEL && !afterCr) {
        high |= byte;
      } else if (byte === LF && afterCr) {
        if (at - lineStart === 1) {
          this.#ascii &&= high < 0x80;
          this.#seen = at + 1 - start;
          return this.#seen;
        }
        afterCr = false;
        lineStart = at + 1;
      } else if (afterCr) {
        throw new MessageError(400, "a CR in the head is not followed by LF");
      } else if (byte === CR) {
        afterCr = true;
      } else if (byte === LF) {
        throw new MessageError(400, "a line of the head ends in a bare LF");
      } else if (byte !== TAB) {
        throw new MessageError(400, "the head contains a control character");
      }
    }
    this.#ascii &&= high < 0x80;
    this.#seen = Math.max(this.#seen, limit - start);
    this.#lineStart = lineStart - start;
    this.#afterCr = afterCr;
    if (this.#seen >= this.maxBytes) {
      throw lineStart === start
        ? new MessageError(414, "the first line is too long")
        : new MessageError(431, "the head is too long");
    }
    return -1;
  }
}

const asciiDecoder = new TextDecoder();

/**
 * Turns bytes into text, one character per byte (ISO 8859-1).
 *
 * @param bytes The bytes.
 * @param options `ascii` promises that all of them are below 128, which is faster.
 * @returns The text.
 */
export function latin1(bytes: Uint8Array, { ascii }: { ascii: boolean }): string {
  if (ascii) return asciiDecoder.decode(bytes);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
