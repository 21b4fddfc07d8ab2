import { errorMessage } from "#src/core/mod.ts";
import { advice, type Finding, type Fix, warning } from "./finding.ts";

/** What to do about what could not be found out. */
export const LOOK_AGAIN: Fix = advice("Repair what the message names and run the preflight again");

/** What came of a look: what was seen, or what to say because nothing could be. */
export type Look<Seen> = { readonly seen: Seen } | { readonly unknown: Finding };

/**
 * Looks at something that may not let itself be looked at.
 *
 * @param what What the look is for, as the beginning of a sentence: `which ports are in use`.
 * @param look Looks.
 * @returns What was seen; a warning with the reason when `look` fails. Never rejects.
 */
export async function lookAt<Seen>(
  what: string,
  look: () => Seen | Promise<Seen>,
): Promise<Look<Seen>> {
  try {
    return { seen: await look() };
  } catch (cause) {
    const message = `${what} could not be found out: ${errorMessage(cause)}`;
    return { unknown: warning(message, LOOK_AGAIN) };
  }
}
