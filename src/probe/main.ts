/**
 * `blockyard probe`: tells what can be connected to from where it runs, which is inside the sandbox
 * of a worker. It loads nothing but what is in this folder.
 *
 * @module
 */
import { parseCommandLine, USAGE } from "./command_line.ts";
import { probeTargets } from "./outcome.ts";

/** Exit code when a target could not be connected to. */
const EXIT_NOT_CONNECTED = 1;
/** Exit code for a command line that is not understood. */
const EXIT_USAGE = 2;

/**
 * Runs the command.
 *
 * @param args What follows `probe`.
 * @returns The exit code: 0 when every target could be connected to, and after `--help`; 1 when one
 * could not; 2 for misuse, after one line on standard error that names it.
 */
export async function probe(args: readonly string[]): Promise<number> {
  const invocation = parseCommandLine(args);
  if (invocation.kind === "misuse") {
    write(Deno.stderr, `probe: ${invocation.problem}\n`);
    return EXIT_USAGE;
  }
  if (invocation.kind === "help") {
    write(Deno.stdout, USAGE);
    return 0;
  }
  const { targets, timeoutMs } = invocation;
  const outcomes = await probeTargets(targets, { timeoutMs });
  write(Deno.stdout, outcomes.map((outcome) => `${JSON.stringify(outcome)}\n`).join(""));
  return outcomes.every(({ result }) => result === "connected") ? 0 : EXIT_NOT_CONNECTED;
}

function write(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = new TextEncoder().encode(text);
  // A pipe takes as much as there is room for.
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}

if (import.meta.main) Deno.exit(await probe(Deno.args));
