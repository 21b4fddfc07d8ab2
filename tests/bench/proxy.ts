import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { firstByteOf } from "./support/first_byte_of.ts";
import { interleave, type Pairs } from "./support/interleave.ts";
import { BODY_BYTES, startNginxes } from "./support/nginx.ts";
import { startProxy } from "./support/proxy_program.ts";
import type { Reading } from "./support/reading.ts";
import { load } from "./support/wrk.ts";

/**
 * Requests per second of a small page through the data plane's engine, against nginx as a proxy to
 * the same upstream, and against the proxy that Deno's own server and client make.
 */
export const proxyBenchmark: Benchmark = {
  name: "proxy",
  programs: [
    { name: "nginx", debianPackage: "nginx-light" },
    { name: "wrk", debianPackage: "wrk" },
  ],
  usesExecutable: false,
  async run({ quick, folder }: BenchContext): Promise<Reading[]> {
    const [upstreamPort = 0, proxyPort = 0] = freePorts(2);
    await using nginx = await startNginxes(folder, { upstreamPort, proxyPort });
    await using ours = await startProxy("data_plane_proxy.ts", nginx.upstreamPort);
    await using deno = await startProxy("fetch_proxy.ts", nginx.upstreamPort);
    for (const port of [nginx.proxyPort, ours.port, deno.port]) await checkPage(port);

    const seconds = quick ? 1 : 2;
    const compare = (baselinePort: number): Promise<Pairs> =>
      interleave({
        subject: () => load(`http://127.0.0.1:${ours.port}/`, seconds),
        baseline: () => load(`http://127.0.0.1:${baselinePort}/`, seconds),
      }, { samples: quick ? 5 : 10, warmups: 2 });
    const about = { benchmark: "proxy", unit: "req/s" } as const;
    return [
      { ...about, row: "against nginx", ...await compare(nginx.proxyPort) },
      { ...about, row: "against Deno.serve + fetch", ...await compare(deno.port) },
    ];
  },
};

async function checkPage(port: number): Promise<void> {
  const { text } = await firstByteOf("/", { port, sinceMs: 0 });
  if (/^HTTP\/1\.1 200 /.test(text) && text.includes("x".repeat(BODY_BYTES))) return;
  throw new Error(`port ${port} does not serve the page: ${text.slice(0, 300)}`);
}

/** Held together, so that they differ. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
