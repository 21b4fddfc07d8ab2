/** What {@linkcode createLineWriter} needs of the outside; the real ones are the defaults. */
export interface LineWriterOptions {
  /** Writes some bytes and says how many; throws as `Deno.stderr.writeSync` does. */
  readonly writeSync?: (bytes: Uint8Array) => number;
  /** Blocks the thread for some milliseconds. */
  readonly pauseSync?: (ms: number) => void;
}

/** How long one line may wait for a reader that does not keep up, in milliseconds. */
const MAX_WAIT_MS = 200;

/** The pause between two attempts, in milliseconds. */
const PAUSE_MS = 2;

/**
 * Makes a function that writes whole lines to standard error, each before it returns, so that
 * nothing is lost at exit. It never throws: a reader that is gone loses what it would have read, and
 * one that does not keep up with a non-blocking pipe loses lines, and is told how many later.
 *
 * @param describeLoss Makes the line that says how many lines were lost.
 * @param options What it needs of the outside.
 * @returns The function; it takes a line without its end.
 */
export function createLineWriter(
  describeLoss: (count: number) => string,
  options: LineWriterOptions = {},
): (line: string) => void {
  const writeSync = options.writeSync ?? ((bytes) => Deno.stderr.writeSync(bytes));
  const pauseSync = options.pauseSync ?? pause;
  const encoder = new TextEncoder();
  let lost = 0;
  let isMidLine = false;

  const write = (text: string): boolean => {
    let bytes = encoder.encode(isMidLine ? `\n${text}\n` : `${text}\n`);
    let waitedMs = 0;
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(bytes));
        isMidLine = bytes.length > 0;
      } catch (error) {
        if (error instanceof Deno.errors.Interrupted) continue;
        if (!(error instanceof Deno.errors.WouldBlock) || waitedMs >= MAX_WAIT_MS) return false;
        pauseSync(PAUSE_MS);
        waitedMs += PAUSE_MS;
      }
    }
    return true;
  };

  return (line) => {
    if (lost > 0 && write(describeLoss(lost))) lost = 0;
    // Behind a loss that cannot be told yet, a line would hide that others are missing before it.
    if (lost > 0 || !write(line)) lost++;
  };
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
