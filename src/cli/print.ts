/**
 * Writes a text to standard output, all of it: a pipe may take less than a whole text at a time.
 *
 * @param text The text.
 */
export function print(text: string): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}
