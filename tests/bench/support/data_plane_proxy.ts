// deno-lint-ignore-file no-console -- a program whose parent reads its port
/**
 * The data plane's engine as a proxy that sends every request on: `PROGRAM UPSTREAM_PORT`. Prints
 * the port that it listens on.
 *
 * @module
 */
import { silentLogger } from "#src/core/mod.ts";
import { serveHttp, type Upstream } from "#src/proxy/mod.ts";

if (import.meta.main) {
  const upstream: Upstream = {
    kind: "tcp",
    hostname: "127.0.0.1",
    port: Number(Deno.args[0]),
  };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  serveHttp(listener, {
    decide: ({ target, headers, remoteAddress }) => ({
      kind: "forward",
      upstream,
      target,
      headers: [...headers, ["X-Forwarded-For", remoteAddress], ["X-Forwarded-Proto", "http"]],
    }),
    log: silentLogger,
  });
  console.log(listener.addr.port);
}
