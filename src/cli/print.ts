/** What {@linkcode printBytes} needs of the outside; the real ones are the defaults. */
export interface PrintOptions {
  /** Writes some bytes and says how many; throws as `Deno.stdout.writeSync` does. */
  readonly writeSync?: (bytes: Uint8Array) => number;
  /** Blocks the thread for some milliseconds. */
  readonly pauseSync?: (ms: number) => void;
}

/** The pause before another attempt to write to a pipe that is full, in milliseconds. */
const PAUSE_MS = 2;

/**
 * Writes a text to standard output, as {@linkcode printBytes} does.
 *
 * @param text The text.
 * @throws {Error} As {@linkcode printBytes}.
 */
export function print(text: string): void {
  printBytes(new TextEncoder().encode(text));
}

/**
 * Writes bytes to standard output, all of them: a pipe may take less than that at a time. A reader
 * that has gone (`| head -1`) has seen what it wanted, and is no failure.
 *
 * @param bytes The bytes.
 * @param options What it needs of the outside.
 * @throws {Error} When they cannot be written, as to a disk that is full.
 */
export function printBytes(bytes: Uint8Array, options: PrintOptions = {}): void {
  const { writeSync = (some) => Deno.stdout.writeSync(some), pauseSync = pause } = options;
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(rest));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return;
      if (error instanceof Deno.errors.Interrupted) continue;
      if (!(error instanceof Deno.errors.WouldBlock)) throw unwritable(error);
      pauseSync(PAUSE_MS);
    }
  }
}

function unwritable(cause: unknown): Error {
  return new Error("cannot write to standard output, want a file or pipe that takes all of it", {
    cause,
  });
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
