/** Room for the whole of a usual job. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Blocks until a whole line has come.
 *
 * @param input Where from; a single line is all that it delivers.
 * @returns The line with its end; undefined when the input ends before one.
 */
export function readLineSync(input: Pick<typeof Deno.stdin, "readSync">): string | undefined {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.endsWith("\n")) {
    const count = input.readSync(chunk);
    if (count === null) return undefined;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return text;
}
