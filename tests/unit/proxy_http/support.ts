/**
 * Raw peers for the HTTP engine: clients and upstreams that write bytes by hand.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Clock, LogFields, Logger } from "#src/core/mod.ts";
import {
  type Decide,
  type HttpLimits,
  type HttpServer,
  serveHttp,
  type Upstream,
  type Verdict,
} from "#src/proxy/http/mod.ts";

const encoder = new TextEncoder();

/** Registers a test with the op and resource sanitizers on. */
export function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test({ name, fn, sanitizeOps: true, sanitizeResources: true });
}

/** One side of a connection, read as text. */
export class Peer implements Disposable {
  #text = "";
  readonly #buffer = new Uint8Array(64 * 1024);
  ended = false;
  /** Whether the connection ended in an error rather than in good order. */
  broken = false;

  constructor(readonly conn: Deno.TcpConn) {}

  static async connect(port: number): Promise<Peer> {
    return new Peer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** What was received and not yet taken. */
  get text(): string {
    return this.#text;
  }

  async send(data: string | Uint8Array): Promise<void> {
    let rest = typeof data === "string" ? encoder.encode(data) : data;
    while (rest.length > 0) rest = rest.subarray(await this.conn.write(rest));
  }

  /** Reads once; false at the end. */
  async more(): Promise<boolean> {
    if (this.ended) return false;
    let count: number | null = null;
    try {
      count = await this.conn.read(this.#buffer);
    } catch {
      this.broken = true;
    }
    if (count === null) {
      this.ended = true;
      return false;
    }
    this.#text += Buffer.from(this.#buffer.buffer, 0, count).toString("latin1");
    return true;
  }

  take(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  /** Takes everything up to and with `mark`. */
  async until(mark: string): Promise<string> {
    for (;;) {
      const at = this.#text.indexOf(mark);
      if (at !== -1) return this.take(at + mark.length);
      if (!(await this.more())) {
        throw new Error(`wanted ${JSON.stringify(mark)}, got ${JSON.stringify(this.#text)}`);
      }
    }
  }

  async exactly(count: number): Promise<string> {
    while (this.#text.length < count) {
      if (!(await this.more())) {
        throw new Error(`wanted ${count} bytes, got ${JSON.stringify(this.#text)}`);
      }
    }
    return this.take(count);
  }

  /** Takes everything until the other side ends. */
  async rest(): Promise<string> {
    while (await this.more());
    return this.take(this.#text.length);
  }

  /** Reads a head and a body by Content-Length, chunked coding or none. */
  async message(options: { bodyless?: boolean } = {}): Promise<Message> {
    const head = await this.until("\r\n\r\n");
    const [first = "", ...lines] = head.slice(0, -4).split("\r\n");
    const headers = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    const get = (name: string) => headers.find(([key]) => key === name)?.[1];
    let body = "";
    if (options.bodyless === true) {
      // Nothing follows, whatever the head says.
    } else if (get("transfer-encoding") === "chunked") {
      for (;;) {
        const size = parseInt(await this.until("\r\n"), 16);
        body += await this.exactly(size);
        await this.until("\r\n");
        if (size === 0) break;
      }
    } else {
      body = await this.exactly(Number(get("content-length") ?? 0));
    }
    return { first, status: Number(first.split(" ")[1]), headers, get, body };
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // It was closed by the test.
    }
  }
}

/** A parsed message. */
export interface Message {
  readonly first: string;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  get(name: string): string | undefined;
  readonly body: string;
}

/** A logger that keeps what it gets. */
export class KeptLog implements Logger {
  readonly records: { level: string; message: string; fields: LogFields }[] = [];
  debug = (message: string, fields: LogFields = {}): void => this.#keep("debug", message, fields);
  info = (message: string, fields: LogFields = {}): void => this.#keep("info", message, fields);
  warn = (message: string, fields: LogFields = {}): void => this.#keep("warn", message, fields);
  error = (message: string, fields: LogFields = {}): void => this.#keep("error", message, fields);
  with(): Logger {
    return this;
  }
  #keep(level: string, message: string, fields: LogFields): void {
    this.records.push({ level, message, fields });
  }
}

/** A running engine. */
export interface Engine extends AsyncDisposable {
  readonly port: number;
  readonly server: HttpServer;
  readonly log: KeptLog;
  connect(): Promise<Peer>;
}

/** Starts an engine on a free port. */
export function engine(
  decide: Decide,
  options: { limits?: Partial<HttpLimits>; clock?: Clock } = {},
): Engine {
  const log = new KeptLog();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const server = serveHttp(listener, { decide, log, ...options });
  const { port } = server.addr;
  return {
    port,
    server,
    log,
    connect: () => Peer.connect(port),
    [Symbol.asyncDispose]: () => server.shutdown({ graceMs: 0 }),
  };
}

/** An upstream whose connections are served by hand, each by a call of `serve`. */
export class RawUpstream implements AsyncDisposable {
  readonly address: Upstream;
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #peers = new Set<Peer>();
  readonly #done: Promise<void>;
  readonly #serving: Promise<void>[] = [];

  constructor(serve: (peer: Peer, index: number) => Promise<void>) {
    this.address = { kind: "tcp", hostname: "127.0.0.1", port: this.#listener.addr.port };
    this.#done = this.#accept(serve);
  }

  async #accept(serve: (peer: Peer, index: number) => Promise<void>): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        const peer = new Peer(conn);
        this.#peers.add(peer);
        this.#serving.push(
          serve(peer, this.connections++).catch(() => {}).finally(() => peer[Symbol.dispose]()),
        );
      }
    } catch {
      // The listener was closed.
    }
  }

  /** Stops listening, as a program that has ended. */
  stopListening(): void {
    try {
      this.#listener.close();
    } catch {
      // Once is enough.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    for (const peer of this.#peers) peer[Symbol.dispose]();
    await this.#done;
    await Promise.all(this.#serving);
  }
}

/** An upstream that answers every request on a connection with the same bytes. */
export function answering(response: string): RawUpstream {
  return new RawUpstream(async (peer) => {
    for (;;) {
      await peer.message();
      await peer.send(response);
    }
  });
}

/** Forwards everything to an upstream as it is. */
export function forwardTo(
  upstream: Upstream,
  more: Partial<Extract<Verdict, { kind: "forward" }>> = {},
): Decide {
  return ({ target, headers }) => ({ kind: "forward", upstream, target, headers, ...more });
}

/** Time that passes only when told. */
export class ManualClock implements Clock {
  #nowMs = 0;
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>();

  now(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  sleep(ms: number, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper = {
        atMs: this.#nowMs + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake, { once: true });
    });
  }

  /** Lets time pass, and what wakes up run. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#nowMs = next.atMs;
      next.wake();
    }
    this.#nowMs = untilMs;
  }
}

/** Lets what is ready run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Waits for a condition; for what cannot be awaited. The test's own timeout bounds it. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never came about: ${what}`);
}

/** `GET` of a target, as a client writes it. */
export function get(target = "/", headers = ""): string {
  return `GET ${target} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;
}
