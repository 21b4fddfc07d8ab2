import { fileURLToPath } from "node:url";

/** A proxy in a process of its own, until it is disposed of. */
export interface ProxyProgram extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
}

/**
 * Starts one of the proxies beside this module.
 *
 * @param file Its file name.
 * @param upstreamPort Where it sends requests on to.
 * @returns The proxy, listening.
 * @throws {Error} When it ends without a port.
 */
export async function startProxy(file: string, upstreamPort: number): Promise<ProxyProgram> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", program, String(upstreamPort)],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value = "" } = await reader.read();
  await reader.cancel();
  const port = Number.parseInt(value);
  if (Number.isNaN(port)) throw new Error(`${file} ended with ${(await child.status).code}`);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}
