import { advice, type Fix } from "./finding.ts";

/**
 * What breaks lines, steers a terminal, or has text shown in another order than it has
 * (<https://www.unicode.org/reports/tr9/>).
 */
const STEERING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;

/**
 * Makes one line of a text, since what programs said and what files are called is part of it.
 *
 * @param text The text.
 * @returns It, with spaces in the place of what would steer a terminal, and no half of a character,
 * which some readers of JSON refuse.
 */
export function oneLine(text: string): string {
  return text.toWellFormed().replaceAll(STEERING, " ").trim();
}

/**
 * Makes one line of what is to be done.
 *
 * @param fix What is to be done.
 * @returns The same; words for a command or a setting that has no line of its own, as it would be
 * another one.
 */
export function oneLineFix({ kind, text }: Fix): Fix {
  const line = oneLine(text);
  if (line === text || kind === "advice") return { kind, text: line };
  return advice(`Do this by hand, with names as they are: ${line}`);
}
