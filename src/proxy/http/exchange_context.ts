import type { Logger } from "#src/core/mod.ts";
import type { Body } from "./body.ts";
import type { Deadlines } from "./deadlines.ts";
import type { HttpLimits } from "./limits.ts";
import type { ParsedRequest } from "./request_head.ts";
import type { UpstreamPool } from "./upstream_pool.ts";
import type { Wire } from "./wire.ts";

/** What all connections of a server share. */
export interface Engine {
  readonly limits: HttpLimits;
  readonly deadlines: Deadlines;
  readonly pool: UpstreamPool;
  readonly log: Logger;
  /** Whether the server shuts down: each connection then ends with the exchange it is in. */
  stopping: boolean;
}

/** One request that was read and is now to be answered. */
export interface Exchange {
  readonly engine: Engine;
  readonly client: Wire;
  readonly request: ParsedRequest;
  /** The request's body. */
  readonly body: Body;
}

/** What becomes of the client's connection after an exchange. */
export type Outcome =
  /** The next request can come. */
  | "keep"
  /** The answer is whole; the connection ends in good order. */
  | "end"
  /** The answer is not whole, or nobody is there to read it: close at once. */
  | "cut";
