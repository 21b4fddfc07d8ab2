/**
 * Reads the body of a request as JSON.
 *
 * @param request The request.
 * @param options `maxBytes` is how long it may be at most.
 * @returns What it says.
 * @throws {RangeError} When it is no JSON in UTF-8, is too long, or did not come whole.
 */
export async function readJson(
  request: Request,
  { maxBytes }: { maxBytes: number },
): Promise<unknown> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body ?? []) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) break;
    }
  } catch (cause) {
    throw new RangeError("the body did not come whole", { cause });
  }
  if (length > maxBytes) {
    throw new RangeError(`the body is too long: want ${maxBytes} bytes at most`);
  }
  try {
    const bytes = await new Blob(chunks).arrayBuffer();
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RangeError("the body is no JSON", { cause });
  }
}
