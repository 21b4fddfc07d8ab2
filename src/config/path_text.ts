/**
 * Checks a path of the host that must not depend on where the server was started.
 *
 * @param text The candidate.
 * @returns The same text.
 * @throws {RangeError} When it is not absolute, or cannot be a path at all.
 */
export function checkAbsolutePath(text: string): string {
  checkPath(text);
  if (!text.startsWith("/")) {
    throw new RangeError(
      `cannot use the relative path ${JSON.stringify(text)}: want an absolute one that starts ` +
        'with "/"',
    );
  }
  return text;
}

/**
 * Checks a program: a name to look for in PATH, or an absolute path.
 *
 * @param text The candidate, such as `bwrap` or `/usr/bin/bwrap`.
 * @returns The same text.
 * @throws {RangeError} When it is a relative path, or no path at all.
 */
export function checkProgram(text: string): string {
  return text.includes("/") ? checkAbsolutePath(text) : checkPath(text);
}

/**
 * Checks a path, relative or absolute.
 *
 * @param text The candidate.
 * @returns The same text.
 * @throws {RangeError} When it is empty, starts with `~`, or holds a NUL byte.
 */
export function checkPath(text: string): string {
  if (text === "") throw new RangeError('cannot use "" as a path: want a path that is not empty');
  if (/^~/.test(text)) {
    throw new RangeError(
      `cannot use the path ${JSON.stringify(text)}: "~" is not expanded here, want the whole path`,
    );
  }
  return checkNoNul(text);
}

/**
 * Checks a text that will be handed to the kernel, where a NUL byte would cut it off.
 *
 * @param text The candidate.
 * @returns The same text.
 * @throws {RangeError} When it holds a NUL byte; the message does not repeat the text.
 */
export function checkNoNul(text: string): string {
  if (text.includes("\0")) {
    throw new RangeError("cannot use a text with a NUL byte in it: want one without");
  }
  return text;
}
