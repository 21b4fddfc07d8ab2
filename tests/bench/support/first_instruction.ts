import { fileURLToPath } from "node:url";
import { run } from "#scripts/support/run.ts";

/** The name of the program in the folder that it was compiled into. */
export const FIRST_INSTRUCTION = "first_instruction";

/**
 * Compiles a program whose first act is to print the time of the monotonic clock in nanoseconds.
 * It is static, so that no dynamic linker runs before its own code.
 *
 * @param folder Where the program goes.
 * @throws {Error} When the compiler fails.
 */
export async function compileFirstInstruction(folder: string): Promise<void> {
  const source = fileURLToPath(new URL(`${FIRST_INSTRUCTION}.c`, import.meta.url));
  const output = `${folder}/${FIRST_INSTRUCTION}`;
  await run("gcc", ["-O2", "-static", "-o", output, source]);
  await Deno.chmod(output, 0o755);
}

/**
 * Turns what the program printed into a duration.
 *
 * @param output Its whole standard output.
 * @param sinceNs When the clock was started, as `MonotonicClock` tells it.
 * @returns Milliseconds from then until the program ran.
 * @throws {Error} When that is not what it printed.
 */
export function elapsedMs(output: string, sinceNs: bigint): number {
  if (!/^\d+\n?$/.test(output)) {
    throw new Error(`cannot tell when the program ran: it printed ${JSON.stringify(output)}`);
  }
  return Number(BigInt(output.trim()) - sinceNs) / 1e6;
}
