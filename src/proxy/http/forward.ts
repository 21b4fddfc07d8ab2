import { addressText, errorMessage } from "#src/core/mod.ts";
import { Body, copyBody } from "./body.ts";
import type { Verdict } from "./exchange.ts";
import type { Exchange, Outcome } from "./exchange_context.ts";
import { fieldLines } from "./fields.ts";
import { HeadScanner, latin1 } from "./head_scanner.ts";
import { isSourceError, MessageError, TruncatedError } from "./message_error.ts";
import { plainResponse, respond } from "./respond.ts";
import { type ParsedResponse, parseResponseHead } from "./response_head.ts";
import { responseHeadText } from "./response_writer.ts";
import { tunnel } from "./tunnel.ts";
import type { Lease } from "./upstream_pool.ts";
import type { Wire } from "./wire.ts";

/** Methods that may be sent twice, RFC 9110, 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "OPTIONS",
  "PUT",
  "DELETE",
  "TRACE",
]);

/** How many 1xx answers may come before the real one. */
const MAX_INTERIM = 16;

/** A verdict to forward. */
type ForwardVerdict = Extract<Verdict, { kind: "forward" }>;

/**
 * Sends a request to an upstream and its answer to the client.
 *
 * @param exchange The request.
 * @param verdict Where to and how.
 * @returns What becomes of the client's connection; never rejects.
 */
export async function forward(exchange: Exchange, verdict: ForwardVerdict): Promise<Outcome> {
  let head: string;
  try {
    head = requestHeadText(exchange, verdict);
  } catch (error) {
    exchange.engine.log.error("a request cannot be forwarded as the router wants", {
      reason: errorMessage(error),
    });
    return await respond(exchange, plainResponse(500));
  }
  return await new Forwarding(exchange, verdict, head).run();
}

/** The request as the upstream gets it, always in HTTP/1.1. */
function requestHeadText({ request }: Exchange, verdict: ForwardVerdict): string {
  if (!/^\/[\x21-\x7e]*$/.test(verdict.target)) {
    throw new TypeError(
      `cannot forward to target ${JSON.stringify(verdict.target)}: want origin form`,
    );
  }
  let text = `${request.head.method} ${verdict.target} HTTP/1.1\r\n${fieldLines(verdict.headers)}`;
  if (request.head.isWebSocket) text += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  if (request.body.kind === "chunked") text += "Transfer-Encoding: chunked\r\n";
  if (request.body.kind === "length") text += `Content-Length: ${request.body.bytes}\r\n`;
  if (request.expectsContinue) text += "Expect: 100-continue\r\n";
  return `${text}\r\n`;
}

/** One exchange with an upstream; used once. */
class Forwarding {
  readonly #exchange: Exchange;
  readonly #verdict: ForwardVerdict;
  readonly #head: string;
  #over = false;
  /** Ends waits that are worth nothing once the exchange is over; made when there is one. */
  #abort: AbortController | undefined;
  #gone = false;
  #upstream: Wire | undefined;
  #bodyInUse = false;
  /** Whether the request went out to its last byte. */
  #sent = false;
  #bodyError: Error | undefined;
  #continueWrite: Promise<void> | undefined;
  #answering = false;

  constructor(exchange: Exchange, verdict: ForwardVerdict, head: string) {
    this.#exchange = exchange;
    this.#verdict = verdict;
    this.#head = head;
  }

  async run(): Promise<Outcome> {
    const { client } = this.#exchange;
    client.watch(this.#onGone);
    try {
      let lease: Lease;
      let response: ParsedResponse;
      try {
        ({ lease, response } = await this.#ask());
      } catch (error) {
        return await this.#answerFailure(error);
      }
      this.#answering = true;
      await this.#continueWrite;
      return response.isWebSocket
        ? await this.#switchProtocols(lease, response)
        : await this.#answer(lease, response);
    } finally {
      client.unwatch();
      this.#end();
    }
  }

  readonly #onGone = () => {
    this.#gone = true;
    this.#end();
    this.#upstream?.close();
  };

  #end(): void {
    this.#over = true;
    this.#abort?.abort();
  }

  get #overSignal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#over) this.#abort.abort();
    return this.#abort.signal;
  }

  /** Gets an answer's head, on an idle connection if a failure there does no harm. */
  async #ask(): Promise<{ lease: Lease; response: ParsedResponse }> {
    const { engine, request, body } = this.#exchange;
    const { upstream } = this.#verdict;
    const repeatable = body.complete && IDEMPOTENT.has(request.head.method) &&
      !request.head.isWebSocket;
    const idle = repeatable ? engine.pool.takeIdle(upstream) : undefined;
    if (idle !== undefined) {
      const received = idle.wire.received;
      try {
        return { lease: idle, response: await this.#askOn(idle) };
      } catch (error) {
        idle.wire.close();
        if (this.#gone || idle.wire.received > received) throw error;
      }
    }
    const lease = await engine.pool.dial(upstream, { signal: this.#overSignal });
    try {
      return { lease, response: await this.#askOn(lease) };
    } catch (error) {
      lease.wire.close();
      throw error;
    }
  }

  async #askOn({ wire }: Lease): Promise<ParsedResponse> {
    this.#upstream = wire;
    if (this.#gone) throw new TruncatedError("the client is gone");
    wire.putText(this.#head);
    if (this.#exchange.body.complete) {
      this.#sent = true;
      await wire.flush();
    } else {
      void this.#sendBody(wire);
    }
    return await this.#readHead(wire);
  }

  async #readHead(wire: Wire): Promise<ParsedResponse> {
    const { limits } = this.#exchange.engine;
    const { method, isWebSocket } = this.#exchange.request.head;
    const scanner = new HeadScanner(limits.headBytes);
    for (let interim = 0; interim <= MAX_INTERIM; interim++) {
      scanner.reset();
      let length = scanner.scan(wire.buffer, wire);
      while (length === -1) {
        if (!(await wire.fill())) {
          throw new TruncatedError("the connection ended before the head of the answer was whole", {
            cause: wire.failure,
          });
        }
        length = scanner.scan(wire.buffer, wire);
      }
      const text = latin1(wire.buffer.subarray(wire.start, wire.start + length), scanner);
      wire.start += length;
      const response = parseResponseHead(text, { method, limits });
      if (response.status === 101 && !(isWebSocket && response.isWebSocket)) {
        throw new MessageError(502, "it switches to a protocol that was not asked for");
      }
      if (response.status >= 200 || response.status === 101) return response;
      if (response.status === 100) this.#tellContinue();
    }
    throw new MessageError(502, "there are too many interim answers");
  }

  /** Runs beside the answer, which may come before the body is over. */
  async #sendBody(wire: Wire): Promise<void> {
    const { body, client, engine, request } = this.#exchange;
    client.unwatch();
    this.#bodyInUse = true;
    if (request.expectsContinue) this.#continueAfterWait();
    try {
      await copyBody(body, {
        to: wire,
        chunked: body.framing.kind === "chunked",
        waitMs: engine.limits.stallMs,
      });
      this.#sent = true;
      this.#bodyInUse = false;
      if (!this.#over) client.watch(this.#onGone);
    } catch (error) {
      // An upstream that stops reading may have answered all the same; the client's failures end it.
      if (!isSourceError(error)) return;
      this.#bodyError = error;
      if (error instanceof TruncatedError) this.#onGone();
      else wire.close();
    }
  }

  /** Some upstreams never send a 100, and some clients wait for it without end. */
  #continueAfterWait(): void {
    const { clock } = this.#exchange.engine.deadlines;
    const signal = this.#overSignal;
    void clock.sleep(this.#exchange.engine.limits.continueMs, { signal }).then(() => {
      if (!signal.aborted) this.#tellContinue();
    });
  }

  #tellContinue(): void {
    const { client, request, body } = this.#exchange;
    if (!request.expectsContinue || body.started || this.#answering) return;
    if (this.#continueWrite !== undefined) return;
    client.putText("HTTP/1.1 100 Continue\r\n\r\n");
    // A client that is gone is noticed by the one who reads the body.
    this.#continueWrite = client.flush().catch(() => {});
  }

  async #answer({ wire, shelf }: Lease, response: ParsedResponse): Promise<Outcome> {
    const { client, request, body, engine } = this.#exchange;
    const content = new Body(wire, response.body);
    const open = response.body.kind === "chunked" || response.body.kind === "close";
    const chunked = open && request.head.version === "1.1";
    const keep = request.keepAlive && !engine.stopping && body.complete && (!open || chunked);
    let head: string;
    try {
      head = responseHeadText({
        status: response.status,
        reason: response.reason,
        headers: this.#mapped(response),
        length: response.status === 204 ? undefined : response.length,
        chunked,
        keepAlive: keep,
        version: request.head.version,
      }, { nowMs: engine.deadlines.clock.now() });
    } catch (error) {
      wire.close();
      this.#logFailure("the headers of an answer could not be mapped", error);
      return await respond(this.#exchange, plainResponse(500), { bodyInUse: this.#bodyInUse });
    }
    const before = client.sent;
    try {
      client.putText(head);
      await copyBody(content, { to: client, chunked, waitMs: Infinity });
    } catch (error) {
      wire.close();
      if (isSourceError(error) && client.sent === before) {
        client.discard();
        return await this.#answerFailure(error);
      }
      if (!this.#gone && isSourceError(error)) {
        this.#logFailure("an upstream's answer broke off", error);
      }
      return "cut";
    }
    // The end of the answer is the end of the exchange: what is left of the request is not wanted.
    if (this.#sent && response.keepAlive && content.complete) engine.pool.release({ wire, shelf });
    else wire.close();
    return keep ? "keep" : "end";
  }

  async #switchProtocols({ wire }: Lease, response: ParsedResponse): Promise<Outcome> {
    const { client, engine } = this.#exchange;
    client.unwatch();
    try {
      const lines = fieldLines(this.#mapped(response));
      client.putText(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
          `${lines}\r\n`,
      );
      await client.flush();
    } catch (error) {
      wire.close();
      this.#logFailure("a WebSocket could not be opened", error);
      return "cut";
    }
    await tunnel(client, wire, engine.limits);
    return "cut";
  }

  #mapped(response: ParsedResponse): ParsedResponse["headers"] {
    return this.#verdict.mapResponseHeaders?.(response.headers, response.status) ??
      response.headers;
  }

  async #answerFailure(error: unknown): Promise<Outcome> {
    this.#answering = true;
    await this.#continueWrite;
    if (this.#gone || this.#exchange.client.closed) return "cut";
    if (this.#bodyError instanceof MessageError) {
      const { status, message } = this.#bodyError;
      return await respond(this.#exchange, plainResponse(status, message), { bodyInUse: true });
    }
    const address = addressText(this.#verdict.upstream);
    const failure = isSourceError(error)
      ? new Error(`cannot use the answer of ${address}`, { cause: error })
      : error instanceof Error
      ? error
      : new Error(`cannot forward to ${address}`, { cause: error });
    this.#logFailure("a request could not be forwarded", failure);
    let response: Response | undefined;
    try {
      response = this.#verdict.onUpstreamError?.(failure);
    } catch (cause) {
      this.#logFailure("the answer for a failed upstream could not be made", cause);
    }
    return await respond(this.#exchange, response ?? plainResponse(502), {
      bodyInUse: this.#bodyInUse,
    });
  }

  #logFailure(message: string, error: unknown): void {
    const { upstream } = this.#verdict;
    this.#exchange.engine.log.warn(message, {
      upstream: addressText(upstream),
      method: this.#exchange.request.head.method,
      target: this.#exchange.request.head.target,
      reason: errorMessage(error),
    });
  }
}
