/** A response, and how long its beginning took. */
export interface TimedResponse {
  /** Milliseconds from the given moment to the first byte. */
  readonly firstByteMs: number;
  /** The response as it came, head and body. */
  readonly text: string;
}

/**
 * Asks for a page over a connection of its own.
 *
 * @param path The path of the page.
 * @param options `port` of 127.0.0.1 is asked; `sinceMs` is when the clock was started, on the
 * scale of `performance.now()`.
 * @returns The whole response.
 * @throws {Deno.errors.ConnectionRefused} When nothing listens there.
 */
export async function firstByteOf(
  path: string,
  { port, sinceMs }: { port: number; sinceMs: number },
): Promise<TimedResponse> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`;
  const bytes = new TextEncoder().encode(request);
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
  const chunk = new Uint8Array(64 * 1024);
  const decoder = new TextDecoder();
  let firstByteMs: number | undefined;
  let text = "";
  for (let count = await conn.read(chunk); count !== null; count = await conn.read(chunk)) {
    firstByteMs ??= performance.now() - sinceMs;
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  if (firstByteMs === undefined) throw new Error(`${path} was answered with nothing`);
  return { firstByteMs, text };
}
