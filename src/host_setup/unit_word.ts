import { checkPrintable } from "./printable.ts";

/**
 * Writes a path as one word of a setting in a unit file (systemd.syntax(7), "Quoting"), with the
 * specifiers of systemd.unit(5) taken for plain text. `$` stays as it is: settings with paths do not
 * expand it, and a command line does not that begins with `:` (systemd.service(5)).
 *
 * @param path Absolute path.
 * @returns The word.
 * @throws {RangeError} When the path is not absolute, or has a control character in it.
 */
export function unitWord(path: string): string {
  const text = checkPrintable(path, "a unit").replaceAll("%", "%%");
  if (/^[^\s"'\\]+$/u.test(text)) return text;
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
