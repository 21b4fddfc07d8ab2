/**
 * Makes sure that a path can stand in a line of a file that is read line by line.
 *
 * @param path The path.
 * @param place What it is to stand in, such as `a unit`.
 * @returns The same path.
 * @throws {RangeError} When it is not absolute, or has a control character in it: a line break in a
 * path would begin a setting of its own.
 */
export function checkPrintable(path: string, place: string): string {
  const refuse = (want: string) =>
    new RangeError(`cannot write ${JSON.stringify(path)} into ${place}: want ${want}`);
  if (!path.startsWith("/")) throw refuse("an absolute path");
  if (/\p{Cc}/u.test(path)) throw refuse("a path without control characters");
  return path;
}
