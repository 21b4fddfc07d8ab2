/**
 * The gate that a sandbox's program waits at until the server opens it.
 *
 * bwrap binds the life of the sandbox to its monitor's (`--die-with-parent`) only when the sandbox is
 * finished. If the server, and with it the monitor, were killed some milliseconds earlier, the
 * program would run on without anybody. At the gate it is a shell that waits for a line on standard
 * input: when the server is gone the input ends, and the shell, and with it the sandbox.
 *
 * bwrap itself reports nothing (`--info-fd`): were the server killed before the report, the report
 * would end the monitor with SIGPIPE before it lets the sandbox's first process go on, which would
 * then wait for ever. The first write is the shell's, which may fail.
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

/** The output of a launcher, taken apart. */
export interface SplitOutput {
  /** Whether the program came to the gate; false when the output ended before, or is another. */
  readonly atGate: Promise<boolean>;
  /** The output behind the gate, which must be read to its end. */
  readonly rest: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Separates the sign that the program is at the gate from the output that follows on the same pipe.
 *
 * @param output What the launcher's standard output delivers.
 * @returns Its parts.
 */
export function splitOutput(output: ReadableStream<Uint8Array<ArrayBuffer>>): SplitOutput {
  const reader = output.getReader();
  const atGate = Promise.withResolvers<boolean>();
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      try {
        const first = await readSome(reader);
        const isAtGate = first[0] === AT_GATE;
        const behind = isAtGate ? first.subarray(1) : first;
        if (behind.length > 0) controller.enqueue(behind);
        atGate.resolve(isAtGate);
      } finally {
        atGate.resolve(false);
      }
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { atGate: atGate.promise, rest };
}

/** At least one byte, unless the output has ended. */
async function readSome(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return new Uint8Array(0);
    if (value.length > 0) return value;
  }
}
