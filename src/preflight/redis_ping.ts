import { errorMessage } from "#src/core/mod.ts";
import { connectTcp, type ProbeTarget } from "#src/probe/mod.ts";

/** What came of a PING. */
export type PingReply =
  /** Redis, or something else, answered, be it in part. */
  | {
    readonly kind: "answered";
    /** The first line of the answer, or what there was of it, without its line end. */
    readonly line: string;
  }
  /** There was no answer. */
  | {
    readonly kind: "unreachable";
    /** Why. */
    readonly problem: string;
  };

/** How much of a line is read, in bytes. */
const MAX_LINE_BYTES = 512;

/**
 * Sends PING to a Redis server without saying who asks.
 *
 * @param target Where it is.
 * @param options `timeoutMs` is how long all of it may take, in milliseconds.
 * @returns What it answered.
 */
export async function pingRedis(
  target: ProbeTarget,
  { timeoutMs }: { timeoutMs: number },
): Promise<PingReply> {
  const late = new AbortController();
  const said = { text: "" };
  const seconds = timeoutMs / 1000;
  let connection: Deno.Conn | undefined;
  const timer = setTimeout(() => {
    late.abort();
    connection?.close();
    connection = undefined;
  }, timeoutMs);
  try {
    connection = target.kind === "unix"
      ? await Deno.connect({ transport: "unix", path: target.path })
      : await connectTcp(target, late.signal);
    await connection.write(new TextEncoder().encode("*1\r\n$4\r\nPING\r\n"));
    await readLine(connection, said);
    return { kind: "answered", line: firstLine(said.text) };
  } catch (error) {
    // What goes on without an end of a line is no Redis, but it has answered.
    if (said.text !== "") return { kind: "answered", line: firstLine(said.text) };
    const problem = late.signal.aborted ? `no answer within ${seconds} s` : errorMessage(error);
    return { kind: "unreachable", problem };
  } finally {
    clearTimeout(timer);
    connection?.close();
  }
}

async function readLine(connection: Deno.Conn, said: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(MAX_LINE_BYTES);
  while (!said.text.includes("\r\n") && said.text.length < MAX_LINE_BYTES) {
    const read = await connection.read(buffer);
    if (read === null) break;
    said.text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  if (said.text === "") throw new Error("the connection was closed without an answer");
}

function firstLine(text: string): string {
  return text.split("\r\n", 1)[0] ?? "";
}
