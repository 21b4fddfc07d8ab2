/** Columns below which lines are left to the terminal: they would be ragged words. */
const MIN_COLUMNS = 30;

/**
 * Breaks a text between words.
 *
 * @param text One line.
 * @param columns How long lines may be; a longer word has a line of its own. Undefined for no end.
 * @returns The lines, at least one.
 */
export function wrap(text: string, columns: number | undefined): string[] {
  if (columns === undefined || columns < MIN_COLUMNS) return [text];
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
