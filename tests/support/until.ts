/**
 * Waits until there is a value.
 *
 * @param look Asked again and again.
 * @param options `what` names it for the error; `withinMs` is how long to wait, `everyMs` the pause
 * between two looks, both in milliseconds.
 * @returns The first value that is not undefined or false.
 * @throws {Error} When there is none in time.
 */
export async function until<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  { what, withinMs = 60_000, everyMs = 20 }: {
    what: string | (() => string);
    withinMs?: number;
    everyMs?: number;
  },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  while (true) {
    // Looked at before the last look, so that a slow machine cannot take that look away.
    const isLast = performance.now() > deadline;
    const value = await look();
    if (value !== undefined && value !== false) return value;
    if (isLast) {
      throw new Error(`waited in vain: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
