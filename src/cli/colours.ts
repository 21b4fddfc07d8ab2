/**
 * Tells whether text for a stream may have colours.
 *
 * @param isTerminal Whether the stream is a terminal.
 * @param getEnv Reads one environment variable.
 * @returns False for a file or pipe, where NO_COLOR is set and not empty (<https://no-color.org>), and
 * on a terminal that knows none (TERM is `dumb`, terminfo(5)).
 */
export function wantsColours(
  isTerminal: boolean,
  getEnv: (name: string) => string | undefined = (name) => Deno.env.get(name),
): boolean {
  return isTerminal && !getEnv("NO_COLOR") && getEnv("TERM") !== "dumb";
}
