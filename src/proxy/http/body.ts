import { ChunkDecoder } from "./chunk_decoder.ts";
import { NEVER } from "./deadlines.ts";
import type { Framing } from "./framing.ts";
import { TruncatedError } from "./message_error.ts";
import type { Wire } from "./wire.ts";

/** The body of a message, taken from a wire without its framing. */
export class Body {
  /** Whether the whole body was taken. */
  complete: boolean;
  /** Whether anything of it was taken. */
  started = false;
  #remaining: number;
  readonly #decoder: ChunkDecoder | undefined;

  /**
   * @param wire Where the body comes from, the head already consumed.
   * @param framing How the body is delimited.
   */
  constructor(readonly wire: Wire, readonly framing: Framing) {
    this.#remaining = framing.kind === "length" ? framing.bytes : 0;
    this.#decoder = framing.kind === "chunked" ? new ChunkDecoder() : undefined;
    this.complete = framing.kind === "none" || (framing.kind === "length" && framing.bytes === 0);
  }

  /** @returns How many bytes are still to come, as far as the framing tells; else undefined. */
  get remaining(): number | undefined {
    return this.complete || this.framing.kind === "length" ? this.#remaining : undefined;
  }

  /**
   * Takes what has already been received.
   *
   * @returns A view that is good until the wire is filled again; null when the body is over;
   * undefined when the wire must be filled first.
   * @throws {MessageError} When the framing is broken.
   */
  take(): Uint8Array | null | undefined {
    if (this.complete) return null;
    const { wire } = this;
    this.started ||= wire.buffered > 0;
    if (this.framing.kind === "length") {
      const start = wire.start;
      wire.start += Math.min(wire.buffered, this.#remaining);
      this.#remaining -= wire.start - start;
      this.complete = this.#remaining === 0;
      return wire.start > start ? wire.buffer.subarray(start, wire.start) : undefined;
    }
    if (this.#decoder !== undefined) {
      const piece = this.#decoder.next(wire.buffer, wire);
      wire.start = piece.end;
      if (piece.end > piece.start) return wire.buffer.subarray(piece.start, piece.end);
      this.complete = this.#decoder.done;
      return this.complete ? null : undefined;
    }
    if (wire.buffered > 0) {
      const piece = wire.buffer.subarray(wire.start, wire.end);
      wire.start = wire.end;
      return piece;
    }
    this.complete = wire.ended && wire.failure === undefined;
    return this.complete ? null : undefined;
  }

  /**
   * Waits for more to {@linkcode Body.take}.
   *
   * @param options `readBy` is the tick by which something must come; the wire is closed otherwise.
   * @throws {TruncatedError} When the peer is gone and the body is not whole.
   */
  async fill({ readBy }: { readBy: number }): Promise<void> {
    this.wire.readBy = readBy;
    const more = await this.wire.fill();
    this.wire.readBy = NEVER;
    if (more || (this.framing.kind === "close" && this.wire.failure === undefined)) return;
    throw new TruncatedError("the connection ended before the body was whole", {
      cause: this.wire.failure,
    });
  }

  /**
   * Reads the rest and throws it away.
   *
   * @param options `maxBytes` is how much may come at most; `waitMs` how long each piece may take.
   * @returns Whether the body is now over; when not, the wire cannot be used further.
   */
  async drain({ maxBytes, waitMs }: { maxBytes: number; waitMs: number }): Promise<boolean> {
    const until = this.wire.received + maxBytes;
    try {
      for (;;) {
        const piece = this.take();
        if (piece === null) return true;
        if (piece !== undefined) continue;
        if (this.wire.received > until) return false;
        await this.fill({ readBy: this.wire.deadlines.after(waitMs) });
      }
    } catch {
      return false;
    }
  }
}

/**
 * Sends a body on as it comes, with no more of it held than the two wires' buffers. What waits in
 * the target's write buffer, such as a head, goes out with the first bytes.
 *
 * @param body The body; its framing is taken off.
 * @param options `to` is where it goes; `chunked` puts the chunked coding on; `waitMs` is how long
 * the source may send nothing, in milliseconds.
 * @throws {MessageError} When the framing of the source is broken.
 * @throws {TruncatedError} When the source ends too early.
 * @throws {Error} When the target cannot be written to.
 */
export async function copyBody(
  body: Body,
  { to, chunked, waitMs }: { to: Wire; chunked: boolean; waitMs: number },
): Promise<void> {
  for (;;) {
    const piece = body.take();
    if (piece === undefined) {
      if (to.dirty) await to.flush();
      if (to.closed) throw new Error("cannot send a body on: its target was closed");
      await body.fill({ readBy: body.wire.deadlines.after(waitMs) });
    } else if (piece === null) {
      if (chunked) to.putText("0\r\n\r\n");
      await to.flush();
      return;
    } else {
      if (chunked) to.putText(`${piece.length.toString(16)}\r\n`);
      const sent = to.put(piece);
      if (sent !== undefined) await sent;
      if (chunked) to.putText("\r\n");
    }
  }
}
