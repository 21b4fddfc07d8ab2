import { shellWord } from "#src/shell_word.ts";
import { advice, command, type Fix } from "./finding.ts";

// deno-lint-ignore no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * Writes a text as one word of a command line for a shell (POSIX.1-2017, Shell Command Language, 2.2).
 *
 * @param text The text, without control characters. One that starts with a dash is still an option
 * for most programs.
 * @returns The text itself where it can stand so, else the text in single quotes.
 * @throws {RangeError} When there is a control character in it, which would steer the terminal that
 * the line is shown on.
 */
export function shellQuote(text: string): string {
  if (CONTROL.test(text)) {
    throw new RangeError(
      `cannot write ${JSON.stringify(text)} for a shell: want a text without control characters`,
    );
  }
  return shellWord(text);
}

/**
 * Makes a fix of commands that are given one path.
 *
 * @param steps The commands without the path, at least one, such as `chmod go-w`; each is carried out
 * if those before it were.
 * @param path Absolute path.
 * @returns The command line; words for a path that cannot be typed.
 */
export function commandsOn(steps: readonly string[], path: string): Fix {
  if (CONTROL.test(path)) {
    return advice(`Do "${steps.join(" && ")}" with the file or folder that the message names`);
  }
  return command(steps.map((step) => `${step} ${shellQuote(path)}`).join(" && "));
}
