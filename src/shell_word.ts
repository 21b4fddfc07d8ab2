/**
 * Writes a text as one word of a command line of sh(1).
 *
 * @param text The text, without NUL.
 * @returns The text itself where nothing in it means anything to a shell, else in single quotes.
 */
export function shellWord(text: string): string {
  if (/^[\w/.:,@%+-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
