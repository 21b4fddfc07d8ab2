import { STATUS_TEXT } from "./status_text.ts";
import { type Field, fieldLines } from "./fields.ts";

/** The head of an answer to a client. */
export interface ResponseHead {
  readonly status: number;
  /** The reason phrase; the usual one for the status if empty. */
  readonly reason: string;
  /** The fields; those that are the engine's are left out. */
  readonly headers: readonly Field[];
  /** What Content-Length says, in bytes; undefined for no such field. */
  readonly length: number | undefined;
  /** Whether the body comes in the chunked coding. */
  readonly chunked: boolean;
  /** Whether the connection goes on. */
  readonly keepAlive: boolean;
  /** The client's version: 1.0 must be told that a connection goes on. */
  readonly version: "1.0" | "1.1";
}

/**
 * Writes the head of an answer, with a Date if it has none (RFC 9110, 6.6.1).
 *
 * @param head The answer.
 * @param options `nowMs` is the wall clock, milliseconds since 1970.
 * @returns The head with its closing empty line, one character per byte.
 * @throws {TypeError} When a field cannot be sent.
 */
export function responseHeadText(head: ResponseHead, { nowMs }: { nowMs: number }): string {
  const reason = head.reason === "" ? STATUS_TEXT[head.status] ?? "" : head.reason;
  let text = `HTTP/1.1 ${head.status} ${reason}\r\n${fieldLines(head.headers)}`;
  if (!head.headers.some(([name]) => name.length === 4 && name.toLowerCase() === "date")) {
    text += `Date: ${new Date(nowMs).toUTCString()}\r\n`;
  }
  if (head.chunked) text += "Transfer-Encoding: chunked\r\n";
  else if (head.length !== undefined) text += `Content-Length: ${head.length}\r\n`;
  if (!head.keepAlive) text += "Connection: close\r\n";
  else if (head.version === "1.0") text += "Connection: keep-alive\r\n";
  return `${text}\r\n`;
}
