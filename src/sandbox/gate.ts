/**
 * The gate that a sandbox's program waits at until the server opens it.
 *
 * bwrap binds the life of the sandbox to its monitor's (`--die-with-parent`) only when the sandbox is
 * finished. If the server, and with it the monitor, were killed some milliseconds earlier, the
 * program would run on without anybody. At the gate it is a shell that waits for a line on standard
 * input: when the server is gone the input ends, and the shell, and with it the sandbox.
 *
 * @module
 */

/** The byte that the shell writes when it has come to the gate, before any output of the program. */
export const AT_GATE = 0x0a;

/** The line that opens the gate. */
export const OPEN_GATE = "go\n";

/** What is run in place of the program, which follows as the shell's arguments. */
const SHELL = ["/bin/sh", "-c", 'echo; read -r go && exec "$@" </dev/null', "sandbox"] as const;

/**
 * Puts a command behind the gate.
 *
 * @param command The program and its arguments.
 * @returns The command to run in the sandbox; the program gets the shell's process and, in place of
 * the input, /dev/null.
 */
export function behindGate(command: readonly string[]): string[] {
  return [...SHELL, ...command];
}

/**
 * Takes the gate away from a command.
 *
 * @param command What {@linkcode behindGate} returned.
 * @returns The program and its arguments.
 */
export function withoutGate(command: readonly string[]): string[] {
  return command.slice(SHELL.length);
}
