/**
 * Answers that a function of this process makes, which can read the request's body.
 *
 * @module
 */
import { errorMessage } from "#src/core/mod.ts";
import type { HandleVerdict } from "./exchange.ts";
import type { Exchange, Outcome } from "./exchange_context.ts";
import { plainResponse, respond } from "./respond.ts";

/**
 * Lets a function answer a request.
 *
 * @param exchange The request.
 * @param verdict The function.
 * @returns What becomes of the client's connection; never rejects.
 */
export async function handle(exchange: Exchange, verdict: HandleVerdict): Promise<Outcome> {
  const { client, request: { head }, engine: { log } } = exchange;
  const gone = new AbortController();
  const source = new BodySource(exchange, () => gone.abort());
  let response: Response;
  try {
    response = await verdict.handle(source.stream, { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted && !client.closed) {
      const fields = { method: head.method, target: head.target, reason: errorMessage(error) };
      log.error("handling a request failed", fields);
    }
    response = plainResponse(500);
  }
  source.end();
  if (gone.signal.aborted || client.closed) {
    response.body?.cancel().catch(() => {});
    return "cut";
  }
  return await respond(exchange, response, { bodyInUse: source.isReading });
}

/** Hands a request's body out as a stream, as it is asked for. */
class BodySource {
  /** The body; undefined when there is none. */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Whether a read is under way. */
  isReading = false;
  readonly #exchange: Exchange;
  readonly #onGone: () => void;
  #isOver = false;
  #hasContinued = false;

  /**
   * @param exchange The request.
   * @param onGone Called when the client goes away while nobody reads.
   */
  constructor(exchange: Exchange, onGone: () => void) {
    this.#exchange = exchange;
    this.#onGone = onGone;
    exchange.client.watch(onGone);
    if (exchange.body.complete) return;
    this.stream = new ReadableStream({ pull: (controller) => this.#pull(controller) }, {
      highWaterMark: 0,
    });
  }

  /** Reads nothing more; a read that is under way goes on. */
  end(): void {
    this.#isOver = true;
    this.#exchange.client.unwatch();
  }

  async #pull(controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { client } = this.#exchange;
    client.unwatch();
    this.isReading = true;
    try {
      const piece = this.#isOver ? undefined : await this.#read();
      if (piece === undefined) controller.close();
      else controller.enqueue(piece);
    } catch (error) {
      controller.error(error);
    } finally {
      this.isReading = false;
      if (!this.#isOver) client.watch(this.#onGone);
    }
  }

  /** A copy, since views of the connection's buffer are good for a moment only. */
  async #read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { body, engine: { deadlines, limits } } = this.#exchange;
    for (;;) {
      const piece = body.take();
      if (piece === null) return undefined;
      if (piece !== undefined) return piece.slice();
      await this.#continue();
      await body.fill({ readBy: deadlines.after(limits.stallMs) });
    }
  }

  /** A client may wait with the body until it is told that somebody wants it. */
  async #continue(): Promise<void> {
    const { client, request, body } = this.#exchange;
    if (!request.expectsContinue || body.started || this.#hasContinued) return;
    this.#hasContinued = true;
    client.putText("HTTP/1.1 100 Continue\r\n\r\n");
    await client.flush();
  }
}
