/** Set for the process inside, so that it does not enter yet another one. */
const MARK = "BLOCKYARD_BENCH_IS_ISOLATED";

/** Whether this process is inside a namespace that {@linkcode runIsolated} made. */
export function isIsolated(): boolean {
  return Deno.env.get(MARK) === "1";
}

/**
 * Runs this program again in a network namespace with nothing but loopback, so that no benchmark
 * can reach the services of the host or beyond. Needs root.
 *
 * @param program The main module.
 * @param args Its arguments.
 * @returns The exit code.
 * @throws {Error} When `unshare` cannot be started.
 */
export async function runIsolated(program: URL, args: readonly string[]): Promise<number> {
  const setUp = 'ip link set lo up && exec "$@"';
  const again = [Deno.execPath(), "run", "--allow-all", program.href, ...args];
  const child = new Deno.Command("unshare", {
    args: ["--net", "sh", "-c", setUp, "sh", ...again],
    env: { [MARK]: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).spawn();
  return (await child.status).code;
}
