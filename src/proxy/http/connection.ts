import { errorMessage } from "#src/core/mod.ts";
import { Body } from "./body.ts";
import { NEVER } from "./deadlines.ts";
import type { Decide, Verdict } from "./exchange.ts";
import type { Engine, Exchange, Outcome } from "./exchange_context.ts";
import { forward } from "./forward.ts";
import { handle } from "./handle.ts";
import { HeadScanner, latin1 } from "./head_scanner.ts";
import { MessageError } from "./message_error.ts";
import { type ParsedRequest, parseRequestHead } from "./request_head.ts";
import { plainResponse, respond } from "./respond.ts";
import { responseHeadText } from "./response_writer.ts";
import { STATUS_TEXT } from "./status_text.ts";
import type { Wire } from "./wire.ts";

const CR = 0x0d;
const LF = 0x0a;

/** One connection of a client: its requests in order, one at a time. */
export class Connection {
  readonly #wire: Wire;
  readonly #engine: Engine;
  readonly #decide: Decide;
  readonly #remoteAddress: string;
  readonly #scanner: HeadScanner;
  #idle = true;
  #served = 0;

  /**
   * @param wire The connection; closed when {@linkcode Connection.run} is done.
   * @param options `remoteAddress` is the client's address without its port.
   */
  constructor(
    wire: Wire,
    { engine, decide, remoteAddress }: { engine: Engine; decide: Decide; remoteAddress: string },
  ) {
    this.#wire = wire;
    this.#engine = engine;
    this.#decide = decide;
    this.#remoteAddress = remoteAddress;
    this.#scanner = new HeadScanner(engine.limits.headBytes);
  }

  /** Serves requests until the connection ends. Never rejects. */
  async run(): Promise<void> {
    try {
      while (await this.#serveOne());
    } catch (error) {
      this.#engine.log.error("a connection failed in an unexpected way", {
        reason: errorMessage(error),
      });
    } finally {
      this.#wire.close();
    }
  }

  /** Closes the connection unless a request is being read or answered. */
  closeIfIdle(): void {
    if (this.#idle) this.#wire.close();
  }

  /** Closes the connection at once, whatever it does. */
  close(): void {
    this.#wire.close();
  }

  async #serveOne(): Promise<boolean> {
    let request: ParsedRequest | undefined;
    try {
      request = await this.#readRequest();
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      await this.#refuse(error);
      return false;
    }
    if (request === undefined) return false;
    this.#served++;
    const body = new Body(this.#wire, request.body);
    const outcome = await this.#answer({
      engine: this.#engine,
      client: this.#wire,
      request,
      body,
    });
    if (outcome === "keep") return true;
    if (outcome === "end" && (!body.complete || this.#wire.buffered > 0)) {
      await this.#wire.linger({ withinMs: this.#engine.limits.lingerMs });
    }
    return false;
  }

  /** Undefined when there is no further request. */
  async #readRequest(): Promise<ParsedRequest | undefined> {
    const { limits, deadlines } = this.#engine;
    const wire = this.#wire;
    const scanner = this.#scanner;
    scanner.reset();
    this.#idle = true;
    wire.readBy = deadlines.after(this.#served === 0 ? limits.headMs : limits.keepAliveMs);
    for (let emptyLine = false;;) {
      if (wire.buffered > 0) {
        if (this.#idle) {
          this.#idle = false;
          wire.readBy = deadlines.after(limits.headMs);
        }
        // One empty line before a request is tolerated, RFC 9112, 2.2.
        if (!emptyLine && wire.buffered > 1 && startsWithEmptyLine(wire)) {
          emptyLine = true;
          wire.start += 2;
        }
        if (emptyLine || wire.buffered > 1 || wire.buffer[wire.start] !== CR) {
          const length = scanner.scan(wire.buffer, wire);
          if (length !== -1) return this.#parse(length);
        }
      } else if (this.#engine.stopping) {
        return undefined;
      }
      if (!(await wire.fill())) return undefined;
    }
  }

  #parse(length: number): ParsedRequest {
    const wire = this.#wire;
    const head = wire.buffer.subarray(wire.start, wire.start + length);
    wire.start += length;
    wire.readBy = NEVER;
    return parseRequestHead(latin1(head, this.#scanner), {
      remoteAddress: this.#remoteAddress,
      limits: this.#engine.limits,
    });
  }

  /** Nothing can be known about where the next request begins, so the connection ends. */
  async #refuse({ status, message }: MessageError): Promise<void> {
    this.#engine.log.debug("a request was refused", {
      status,
      reason: message,
      client: this.#remoteAddress,
    });
    const text = `${message}\n`;
    try {
      this.#wire.putText(responseHeadText({
        status,
        reason: STATUS_TEXT[status] ?? "",
        headers: [["Content-Type", "text/plain; charset=utf-8"]],
        length: text.length,
        chunked: false,
        keepAlive: false,
        version: "1.1",
      }, { nowMs: this.#engine.deadlines.clock.now() }));
      this.#wire.putText(text);
      await this.#wire.flush();
    } catch {
      return;
    }
    await this.#wire.linger({ withinMs: this.#engine.limits.lingerMs });
  }

  async #answer(exchange: Exchange): Promise<Outcome> {
    let verdict: Verdict | undefined;
    try {
      verdict = await this.#verdictOf(exchange);
    } catch (error) {
      this.#engine.log.error("deciding about a request failed", {
        method: exchange.request.head.method,
        target: exchange.request.head.target,
        reason: errorMessage(error),
      });
      return await respond(exchange, plainResponse(500));
    }
    if (verdict === undefined) return "cut";
    if (verdict.kind === "respond") return await respond(exchange, verdict.response);
    if (verdict.kind === "handle") return await handle(exchange, verdict);
    try {
      return await forward(exchange, verdict);
    } finally {
      this.#end(verdict);
    }
  }

  /** Undefined when the client went away meanwhile; what is decided afterwards is put away. */
  async #verdictOf({ request }: Exchange): Promise<Verdict | undefined> {
    const options = new LazySignal();
    const decision = this.#decide(request.head, options);
    if (!(decision instanceof Promise)) return decision;
    const wire = this.#wire;
    const gone = new Promise<undefined>((resolve) => {
      wire.watch(() => resolve(undefined));
    });
    const verdict = await Promise.race([decision, gone]);
    wire.unwatch();
    if (verdict === undefined) {
      options.abort();
      decision.then((late) => this.#putAway(late), () => {});
    }
    return verdict;
  }

  #putAway(verdict: Verdict): void {
    if (verdict.kind === "forward") this.#end(verdict);
    else if (verdict.kind === "respond" && !verdict.response.bodyUsed) {
      verdict.response.body?.cancel().catch(() => {});
    }
  }

  #end(verdict: Extract<Verdict, { kind: "forward" }>): void {
    try {
      verdict.onEnd?.();
    } catch (error) {
      this.#engine.log.error("the end of an exchange could not be reported", {
        reason: errorMessage(error),
      });
    }
  }
}

/** A signal that costs nothing until somebody asks for it. */
class LazySignal {
  #controller: AbortController | undefined;
  #aborted = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#aborted = true;
    this.#controller?.abort();
  }
}

function startsWithEmptyLine({ buffer, start }: Wire): boolean {
  return buffer[start] === CR && buffer[start + 1] === LF;
}
