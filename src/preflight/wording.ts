/**
 * Lists things as part of a sentence.
 *
 * @param items The things.
 * @returns Such as `a, b and c`; empty for none.
 */
export function listText(items: readonly string[]): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** How much of what a program said goes into a message, in characters: it may write megabytes. */
const SAID_LENGTH = 300;

/**
 * Shortens a line that a program wrote, for a message.
 *
 * @param line The line.
 * @returns Its beginning where it is long, and the sign for what is left out.
 */
export function excerpt(line: string): string {
  return line.length <= SAID_LENGTH ? line : `${line.slice(0, SAID_LENGTH)}…`;
}

/**
 * Lists apps as part of a sentence.
 *
 * @param names Their names, at least one.
 * @param kind What they are, `app` if not given.
 * @returns Such as `the apps "a" and "b"`.
 */
export function namesOfApps(names: readonly string[], kind = "app"): string {
  const list = listText(names.map((name) => `"${name}"`));
  return `the ${kind}${names.length === 1 ? "" : "s"} ${list}`;
}
