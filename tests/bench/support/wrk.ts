import { run } from "#scripts/support/run.ts";

/** As many as a browser or two would open. */
const CONNECTIONS = 32;

/**
 * Loads a server with one thread and 32 connections that stay open.
 *
 * @param url What to ask for.
 * @param seconds How long, a whole number above 0.
 * @returns Requests per second.
 * @throws {Error} As {@linkcode requestsPerSecond}.
 */
export async function load(url: string, seconds: number): Promise<number> {
  const args = ["--threads", "1", "--connections", String(CONNECTIONS)];
  return requestsPerSecond(await run("wrk", [...args, "--duration", `${seconds}s`, url]));
}

/**
 * Reads what wrk(1) prints.
 *
 * @param output Its standard output.
 * @returns Requests per second.
 * @throws {Error} When it names none, or requests that failed, which would have been fast.
 */
export function requestsPerSecond(output: string): number {
  const rate = Number(/^Requests\/sec:\s+(\d+(?:\.\d+)?)$/m.exec(output)?.[1] ?? NaN);
  const hadFailures = /^\s*(?:Socket errors|Non-2xx or 3xx responses):/m.test(output);
  if (rate > 0 && !hadFailures) return rate;
  throw new Error(`cannot use what wrk measured: want answers only, got ${output}`);
}
