/** The head of a request, parsed and checked, its body still unread. */
export interface RequestHead {
  /** Upper-case as sent: `GET`. */
  readonly method: string;
  /** The request target in origin form, undecoded: `/app/hello/?x=1`. Always starts with `/`. */
  readonly target: string;
  /** `1.1` or `1.0`. */
  readonly version: "1.0" | "1.1";
  /**
   * Names as sent, values trimmed, in the order they came. Hop-by-hop fields and those that the
   * client's Connection names are already taken out, so that a client cannot make the engine drop
   * what {@linkcode Decide} adds. In version 1.1 there is exactly one Host.
   */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Whether this asks for an upgrade to a WebSocket. */
  readonly isWebSocket: boolean;
  /** The address of the peer, without its port: `127.0.0.1`, `::1`. */
  readonly remoteAddress: string;
}

/** What to do with one request. */
export type Verdict =
  /** Answer it here. The rest of the request's body is read and dropped, within limits. */
  | { readonly kind: "respond"; readonly response: Response }
  | HandleVerdict
  /** Send it on and stream both bodies; a WebSocket becomes a two-way tunnel. */
  | {
    readonly kind: "forward";
    /** Where to connect. */
    readonly upstream: Upstream;
    /** The request target to send, in origin form. */
    readonly target: string;
    /**
     * The headers to send, in order. Hop-by-hop ones, Content-Length and Expect are the engine's:
     * they are left out here and written as the connection needs them.
     */
    readonly headers: readonly (readonly [name: string, value: string])[];
    /**
     * Looks at the answer's headers before they go to the client, and returns those to send;
     * hop-by-hop ones and Content-Length are the engine's. Not called for interim answers (1xx
     * other than 101), which end at the engine.
     */
    readonly mapResponseHeaders?: (
      headers: readonly (readonly [name: string, value: string])[],
      status: number,
    ) => readonly (readonly [name: string, value: string])[];
    /**
     * Answers instead, when the upstream cannot be reached or breaks before its head is whole;
     * without it the answer is a plain 502. Not called when the client was the one that broke off.
     */
    readonly onUpstreamError?: (error: Error) => Response;
    /** Called exactly once, when the exchange (or the tunnel) is over, however it ended. */
    readonly onEnd?: () => void;
  };

/** Have a function of this process answer, which can read the request's body. */
export interface HandleVerdict {
  /** Tells it from the others. */
  readonly kind: "handle";
  /**
   * Answers.
   *
   * @param body The request's body, without its framing; undefined when there is none. It fails when
   * the client breaks off or its framing is broken. What is not read of it before the answer is
   * there is dropped.
   * @param options `signal` is aborted when the client goes away.
   * @returns The answer. A rejection is answered with a plain 500 and logged.
   */
  readonly handle: (
    body: ReadableStream<Uint8Array<ArrayBuffer>> | undefined,
    options: { signal: AbortSignal },
  ) => Promise<Response>;
}

/** Where a request is forwarded to. */
export type Upstream =
  /** A port. */
  | {
    readonly kind: "tcp";
    /** An IP address or a name that resolves to one. */
    readonly hostname: string;
    /** 1 to 65535. */
    readonly port: number;
  }
  /** A unix socket. */
  | {
    readonly kind: "unix";
    /** What it is called, and told from others by. */
    readonly path: string;
    /** The path to connect to. */
    readonly connectPath: string;
  };

/**
 * Decides about one request.
 *
 * @param head The request.
 * @param options `signal` is aborted when the client goes away while the decision is awaited.
 * @returns What to do. A rejection is answered with a plain 500 and logged.
 */
export type Decide = (
  head: RequestHead,
  options: { signal: AbortSignal },
) => Verdict | Promise<Verdict>;
