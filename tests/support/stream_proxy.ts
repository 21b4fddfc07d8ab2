/** Where a stream socket is: TCP on loopback, or the path of a unix socket. */
export type StreamAddress = { readonly port: number } | { readonly path: string };

/** Which way bytes go: `requests` to the server, `replies` to its clients. */
type Direction = "requests" | "replies";

interface Stream {
  readonly client: Deno.Conn;
  readonly server: Deno.Conn;
  /** Set while nothing passes through it any more; resolves when it is closed. */
  stranded?: PromiseWithResolvers<void>;
}

/**
 * Stands between clients and a server, and disturbs them: bytes can be held in either direction,
 * connections cut, new ones refused.
 */
export class StreamProxy implements AsyncDisposable {
  /** Where clients find it; never changes. */
  readonly address: StreamAddress;
  readonly #target: StreamAddress;
  readonly #streams = new Set<Stream>();
  readonly #tasks = new Set<Promise<void>>();
  readonly #gates = new Map<Direction, PromiseWithResolvers<void>>();
  #listener: Deno.Listener | undefined;

  private constructor(target: StreamAddress, listener: Deno.Listener, address: StreamAddress) {
    this.#target = target;
    this.#listener = listener;
    this.address = address;
    this.#track(this.#accept(listener));
  }

  /**
   * Starts one.
   *
   * @param target The server.
   * @param options `path` is where to listen instead of on a free TCP port.
   * @returns The proxy; disposing it closes everything.
   */
  static start(target: StreamAddress, { path }: { path?: string } = {}): StreamProxy {
    if (path !== undefined) return new StreamProxy(target, listen({ path }), { path });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    return new StreamProxy(target, listener, { port: listener.addr.port });
  }

  /**
   * Holds bytes from now on, until {@linkcode flow}. Clients still get connections.
   *
   * @param directions Which ways.
   */
  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) {
      if (!this.#gates.has(direction)) this.#gates.set(direction, Promise.withResolvers());
    }
  }

  /** Lets bytes flow again, those first that were held; new connections are welcome again. */
  flow(): void {
    for (const gate of this.#gates.values()) gate.resolve();
    this.#gates.clear();
    if (this.#listener !== undefined) return;
    this.#listener = listen(this.address);
    this.#track(this.#accept(this.#listener));
  }

  /** Lets nothing pass through the connections of this moment, for ever; new ones work. */
  strand(): void {
    for (const stream of this.#streams) stream.stranded ??= Promise.withResolvers();
  }

  /** Breaks every connection; what is held for them is lost. */
  cut(): void {
    for (const { client, server, stranded } of this.#streams) {
      close(client);
      close(server);
      stranded?.resolve();
    }
    this.#streams.clear();
  }

  /** Breaks every connection and refuses new ones until {@linkcode flow}. */
  refuse(): void {
    this.#listener?.close();
    this.#listener = undefined;
    this.cut();
  }

  /** Closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    for (const gate of this.#gates.values()) gate.resolve();
    this.#gates.clear();
    await Promise.all(this.#tasks);
  }

  async #accept(listener: Deno.Listener): Promise<void> {
    try {
      for await (const client of listener) this.#track(this.#serve(client));
    } catch {
      // Closed while it was accepting.
    }
  }

  async #serve(client: Deno.Conn): Promise<void> {
    let server: Deno.Conn;
    try {
      server = await connect(this.#target);
    } catch {
      close(client);
      return;
    }
    const stream: Stream = { client, server };
    if (this.#listener === undefined) {
      close(client);
      close(server);
      return;
    }
    this.#streams.add(stream);
    await Promise.all([
      this.#pass(stream, "requests"),
      this.#pass(stream, "replies"),
    ]);
    this.#streams.delete(stream);
  }

  async #pass(stream: Stream, direction: Direction): Promise<void> {
    const [from, to] = direction === "requests"
      ? [stream.client, stream.server]
      : [stream.server, stream.client];
    const buffer = new Uint8Array(65536);
    try {
      for (let size = await from.read(buffer); size !== null; size = await from.read(buffer)) {
        await this.#gates.get(direction)?.promise;
        await stream.stranded?.promise;
        for (let sent = 0; sent < size;) sent += await to.write(buffer.subarray(sent, size));
      }
    } catch {
      // One of the two is gone, and the other goes too.
    }
    close(from);
    close(to);
  }

  #track(task: Promise<void>): void {
    this.#tasks.add(task);
    void task.finally(() => this.#tasks.delete(task));
  }
}

function listen(address: StreamAddress): Deno.Listener {
  if ("port" in address) return Deno.listen({ hostname: "127.0.0.1", port: address.port });
  try {
    Deno.removeSync(address.path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return Deno.listen({ transport: "unix", path: address.path });
}

function connect(address: StreamAddress): Promise<Deno.Conn> {
  return "port" in address
    ? Deno.connect({ hostname: "127.0.0.1", port: address.port })
    : Deno.connect({ transport: "unix", path: address.path });
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
