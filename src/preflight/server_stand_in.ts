import type { Config } from "#src/config/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import type { ProbeTarget } from "#src/probe/mod.ts";
import type { Service } from "./services.ts";

/** What listens in place of a server that does not run yet. */
export interface ServerStandIn extends Disposable {
  /** The server, at the port that is listened at; undefined when none could be had. */
  readonly service: Service | undefined;
  /** Whether the server itself will get another port. */
  readonly hasAnyPort: boolean;
  /** Why nothing could be listened at, in words; undefined when something is. */
  readonly problem: string | undefined;
}

/**
 * Listens where a server is going to, since a port that nobody listens on says nothing about what
 * rules would let through. Where a server runs already, nothing is listened at.
 *
 * @param bind Where the server listens; at any port of that address for port 0.
 * @returns What listens, until it is disposed.
 */
export function standInForServer({ hostname, port }: Config["server"]["bind"]): ServerStandIn {
  const at = (port: number): Service => {
    const target: ProbeTarget = { kind: "tcp", hostname, port };
    return { kind: "server", target };
  };
  const hasAnyPort = port === 0;
  try {
    const listener = Deno.listen({ hostname, port });
    return {
      service: at(listener.addr.port),
      hasAnyPort,
      problem: undefined,
      [Symbol.dispose]: () => listener.close(),
    };
  } catch (error) {
    return {
      service: hasAnyPort ? undefined : at(port),
      hasAnyPort,
      problem: errorMessage(error),
      [Symbol.dispose]: () => undefined,
    };
  }
}
