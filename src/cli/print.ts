/**
 * Writes a text to standard output, all of it.
 *
 * @param text The text.
 */
export function print(text: string): void {
  printBytes(new TextEncoder().encode(text));
}

/**
 * Writes bytes to standard output, all of them: a pipe may take less than that at a time.
 *
 * @param bytes The bytes.
 */
export function printBytes(bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}
