/** How long a line may be. */
const LINE_LENGTH = 100;

/**
 * Writes a text as comment lines, which begin with `#` in units of systemd and profiles of AppArmor
 * alike.
 *
 * @param text One paragraph.
 * @returns The lines, broken between words.
 * @throws {RangeError} When a control character is in the text.
 */
export function commentLines(text: string): string[] {
  checkOneLine(text);
  const lines: string[] = [];
  let line = "#";
  for (const word of text.split(" ")) {
    if (line !== "#" && line.length + 1 + word.length > LINE_LENGTH) {
      lines.push(line);
      line = "#";
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/**
 * Writes a command line into a comment, in one line whatever its length, so that it can be copied.
 *
 * @param line The command line.
 * @returns The comment line.
 * @throws {RangeError} When a control character is in the line.
 */
export function commentCommand(line: string): string {
  checkOneLine(line);
  return `#     ${line}`;
}

/** Texts name paths, and what follows a line break in one would be no comment any more. */
function checkOneLine(text: string): void {
  if (!/\p{Cc}/u.test(text)) return;
  throw new RangeError(
    `cannot write ${JSON.stringify(text)} into a comment: want paths without control characters`,
  );
}
