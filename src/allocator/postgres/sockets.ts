import { Buffer } from "node:buffer";
import { Socket } from "node:net";
import type { Clock } from "#src/core/mod.ts";

/**
 * The sockets of a connection pool, so that they can be ended even when the other side is silent: a
 * client that says goodbye waits for a server, and a stopped one never answers.
 */
export class Sockets {
  readonly #open = new Set<Socket>();

  /**
   * Makes a socket that is not connected yet.
   *
   * @returns The socket, which is known here until it is closed.
   */
  create(): Socket {
    const socket = new GatheringSocket();
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    return socket;
  }

  /**
   * Waits until all are closed, and closes those that are not in time.
   *
   * @param options `graceMs` is how long the other side may take, in milliseconds, 0 or more.
   * @returns A promise that resolves when none is open.
   */
  async close({ graceMs, clock }: { graceMs: number; clock: Clock }): Promise<void> {
    const closed = Promise.all([...this.#open].map(closing));
    const timer = new AbortController();
    await Promise.race([closed, clock.sleep(graceMs, { signal: timer.signal })]);
    timer.abort();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }
}

/** A write that waits for the end of a corked sequence. */
interface PendingWrite {
  // deno-lint-ignore no-explicit-any -- as node:stream declares it
  readonly chunk: any;
  readonly encoding: BufferEncoding;
}

/**
 * Sends what was written between `cork()` and `uncork()` as one packet. The driver writes a query
 * in four messages, and Deno's own socket makes a system call of each, which wakes the server for
 * each: that is half of what a query costs.
 */
class GatheringSocket extends Socket {
  override _writev(writes: PendingWrite[], done: (error?: Error | null) => void): void {
    const bytes = writes.map(({ chunk, encoding }) =>
      typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk
    );
    // The value that node:stream has for chunks that are bytes; its types do not know it.
    this._write(Buffer.concat(bytes), "buffer" as BufferEncoding, done);
  }
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
