import { type Deadlines, type Expiring, NEVER } from "./deadlines.ts";
import { TruncatedError } from "./message_error.ts";

/** Where a read buffer starts, in bytes: a request with its cookies, or a small answer. */
const FIRST_BUFFER = 8 * 1024;
/** Where a read buffer stops growing by itself, in bytes. */
const LARGE_BUFFER = 64 * 1024;
/** Up to how many bytes are gathered into one write. */
const GATHER = 32 * 1024;

const encoder = new TextEncoder();
const ENDED = Promise.resolve(false);

/** What a {@linkcode Wire} needs of a connection. */
export type WireConn =
  & Pick<Deno.Conn, "read" | "write" | "close" | "closeWrite">
  // On one host, over a unix socket, no peer vanishes without a word.
  & Partial<Pick<Deno.TcpConn, "setKeepAlive">>;

/**
 * One connection, over TCP or a unix socket, with a buffer in each direction. Bytes that were read and not yet consumed are
 * `buffer[start..end)`; views of them are good until the next {@linkcode Wire.fill}.
 *
 * A wire never throws on reading: when the peer ends or the connection breaks, `fill` says false,
 * and {@linkcode Wire.failure} tells the two apart. Writing rejects on a broken connection.
 */
export class Wire implements Expiring {
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BUFFER);
  start = 0;
  end = 0;
  /** Bytes received so far. */
  received = 0;
  /** Bytes sent so far. */
  sent = 0;
  /** No more bytes will come. */
  ended = false;
  /** Why, unless the peer ended its side in good order. */
  failure: unknown = undefined;
  closed = false;
  /** The tick by which something must be read, or the wire is closed. */
  readBy = NEVER;

  #writeBy = NEVER;
  #out: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  #outLength = 0;
  #filling: Promise<boolean> | undefined;
  #onGone: (() => void) | undefined;

  /**
   * @param conn The connection; the wire closes it.
   * @param deadlines Watches this wire until it is closed.
   * @param stallMs How long the peer may take no byte of what is written, in milliseconds.
   */
  constructor(
    readonly conn: WireConn,
    readonly deadlines: Deadlines,
    readonly stallMs: number,
  ) {
    deadlines.watch(this);
  }

  /** @returns How many bytes were read and not yet consumed. */
  get buffered(): number {
    return this.end - this.start;
  }

  /**
   * Reads once. Calls during a read join it.
   *
   * @returns Whether bytes were added; false when no more will come.
   */
  fill(): Promise<boolean> {
    if (this.ended) return ENDED;
    return this.#filling ??= this.#fill();
  }

  async #fill(): Promise<boolean> {
    this.#makeRoom();
    const room = this.buffer.length - this.end;
    try {
      const count = await this.conn.read(this.buffer.subarray(this.end));
      if (count === null) {
        this.ended = true;
      } else {
        this.end += count;
        this.received += count;
        if (count === room && this.buffer.length < LARGE_BUFFER) this.#grow();
      }
    } catch (error) {
      this.ended = true;
      this.failure ??= error;
    }
    this.#filling = undefined;
    if (this.#onGone !== undefined) this.#readAhead();
    return !this.ended;
  }

  #makeRoom(): void {
    if (this.start === this.end) {
      this.start = 0;
      this.end = 0;
    } else if (this.end === this.buffer.length) {
      if (this.start === 0) {
        this.#grow();
      } else {
        this.buffer.copyWithin(0, this.start, this.end);
        this.end -= this.start;
        this.start = 0;
      }
    }
  }

  /** Views of the old buffer stay good: it is replaced, not changed. */
  #grow(): void {
    const larger = new Uint8Array(this.buffer.length * 2);
    larger.set(this.buffer.subarray(this.start, this.end));
    this.end -= this.start;
    this.start = 0;
    this.buffer = larger;
  }

  /**
   * Reads ahead, as far as the buffer has room, to notice when the peer goes away. Only for times
   * when no view of the buffer is in use.
   *
   * @param onGone Called once when no more bytes will come, possibly at once.
   */
  watch(onGone: () => void): void {
    this.#onGone = onGone;
    if (this.#filling === undefined) this.#readAhead();
  }

  /** Stops what {@linkcode Wire.watch} began; a read that is under way goes on. */
  unwatch(): void {
    this.#onGone = undefined;
  }

  #readAhead(): void {
    if (this.ended) {
      const onGone = this.#onGone;
      this.#onGone = undefined;
      onGone?.();
    } else if (this.end < this.buffer.length || this.start === this.end) {
      void this.fill();
    }
  }

  /**
   * Puts bytes into the write buffer, and sends what does not fit.
   *
   * @param bytes Not used any more once the call (or its promise) is done.
   * @returns Nothing when the bytes were only buffered, else a promise.
   * @throws {Error} By rejecting, when the connection is broken.
   */
  put(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#outLength + bytes.length > GATHER) return this.write(bytes);
    this.#reserve(bytes.length);
    this.#out.set(bytes, this.#outLength);
    this.#outLength += bytes.length;
    return undefined;
  }

  /**
   * Puts text into the write buffer; {@linkcode Wire.flush} sends it.
   *
   * @param text Characters below 256 only; each becomes one byte (ISO 8859-1).
   */
  putText(text: string): void {
    this.#reserve(text.length);
    const target = this.#out.subarray(this.#outLength);
    const { read, written } = encoder.encodeInto(text, target);
    if (read !== text.length || written !== text.length) {
      for (let at = 0; at < text.length; at++) target[at] = text.charCodeAt(at);
    }
    this.#outLength += text.length;
  }

  #reserve(count: number): void {
    const wanted = this.#outLength + count;
    if (wanted <= this.#out.length) return;
    let length = this.#out.length;
    while (length < wanted) length *= 2;
    const larger = new Uint8Array(length);
    larger.set(this.#out.subarray(0, this.#outLength));
    this.#out = larger;
  }

  /** @returns Whether something waits to be sent. */
  get dirty(): boolean {
    return this.#outLength > 0;
  }

  /** Throws away what waits to be sent. */
  discard(): void {
    this.#outLength = 0;
  }

  /**
   * Sends what is in the write buffer.
   *
   * @throws {Error} By rejecting, when the connection is broken.
   */
  async flush(): Promise<void> {
    if (this.#outLength === 0) return;
    const bytes = this.#out.subarray(0, this.#outLength);
    this.#outLength = 0;
    await this.#writeAll(bytes);
  }

  /**
   * Sends bytes without copying them, after what is in the write buffer.
   *
   * @param bytes Not used any more once the promise is done.
   * @throws {Error} By rejecting, when the connection is broken.
   */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.dirty) await this.flush();
    await this.#writeAll(bytes);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      this.#writeBy = this.deadlines.after(this.stallMs);
      const count = await this.conn.write(rest);
      this.sent += count;
      rest = rest.subarray(count);
    }
    this.#writeBy = NEVER;
  }

  /** Ends the writing side; the peer sees the end of the stream. Never rejects. */
  async closeWrite(): Promise<void> {
    try {
      await this.conn.closeWrite();
    } catch {
      // The connection is broken already, which the reading side reports.
    }
  }

  /**
   * Ends the connection so that the last bytes written still arrive: closing at once while the peer
   * sends would make its kernel throw them away (RFC 9112, 9.6).
   *
   * @param options `withinMs` is how long the peer has to end its side; what it sends is dropped.
   */
  async linger({ withinMs }: { withinMs: number }): Promise<void> {
    this.unwatch();
    await this.closeWrite();
    const readBy = this.deadlines.after(withinMs);
    do {
      this.start = this.end;
      this.readBy = readBy;
    } while (await this.fill());
    this.close();
  }

  expire(now: number): void {
    if (now >= this.readBy || now >= this.#writeBy) this.close();
  }

  /** Closes the connection at once; reads and writes under way end. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.ended) this.failure ??= new TruncatedError("the connection was closed");
    this.deadlines.unwatch(this);
    this.conn.close();
  }
}
