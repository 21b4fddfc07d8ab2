/**
 * The head of an upstream's response. An upstream is not trusted: it is read as strictly as a
 * request.
 *
 * @module
 */
import { endToEndFields, type Field, listElements, parseFields } from "./fields.ts";
import { checkTransferEncoding, type Framing, NO_BODY, parseContentLength } from "./framing.ts";
import type { HttpLimits } from "./limits.ts";
import { MessageError } from "./message_error.ts";

/** A response as far as its head tells. */
export interface ParsedResponse {
  /** 100 to 599. */
  readonly status: number;
  /** The reason phrase, possibly empty. */
  readonly reason: string;
  /** The end-to-end fields, in order. */
  readonly headers: readonly Field[];
  /** How the body that follows is delimited. */
  readonly body: Framing;
  /** The Content-Length, also where no body follows (HEAD, 304); in bytes. */
  readonly length: number | undefined;
  /** Whether the upstream keeps the connection open afterwards. */
  readonly keepAlive: boolean;
  /** Whether the response switches to the WebSocket protocol. */
  readonly isWebSocket: boolean;
}

/** Fields that Connection cannot name away. */
const KEPT: ReadonlySet<string> = new Set(["content-length", "set-cookie", "date"]);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;

/**
 * Parses the head of a response that a `HeadScanner` has passed.
 *
 * @param text The whole head, one character per byte, its closing empty line included.
 * @param options `method` is the one of the request, which decides whether a body follows; of
 * `limits` the one for the number of fields counts.
 * @returns The response.
 * @throws {MessageError} When the response cannot be used; its status means nothing here.
 */
export function parseResponseHead(
  text: string,
  { method, limits }: { method: string; limits: HttpLimits },
): ParsedResponse {
  const lineEnd = text.indexOf("\r\n");
  const match = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (match === null) throw new MessageError(502, "the status line is malformed");
  const version = match[1] === "1" ? "1.1" : "1.0";
  const status = Number(match[2]);
  const fields = parseFields(text, { from: lineEnd + 2, maxCount: limits.headerCount });

  let length: number | undefined;
  const codings: string[] = [];
  const connection: string[] = [];
  const upgrade: string[] = [];
  for (const [name, value] of fields) {
    switch (name.toLowerCase()) {
      case "content-length": {
        const bytes = parseContentLength(value);
        if (length !== undefined && length !== bytes) {
          throw new MessageError(502, "there are several Content-Lengths that differ");
        }
        length = bytes;
        break;
      }
      case "transfer-encoding":
        codings.push(value);
        break;
      case "connection":
        connection.push(...listElements(value));
        break;
      case "upgrade":
        upgrade.push(...listElements(value));
        break;
    }
  }
  if (codings.length > 0) {
    if (length !== undefined || version === "1.0") {
      throw new MessageError(502, "Transfer-Encoding comes with Content-Length or HTTP/1.0");
    }
    checkTransferEncoding(codings);
  }
  return {
    status,
    reason: match[3] ?? "",
    headers: endToEndFields(fields, { connection, keep: KEPT }),
    body: responseFraming({ method, status, chunked: codings.length > 0, length }),
    length,
    keepAlive: version === "1.1" && !connection.includes("close"),
    isWebSocket: status === 101 && connection.includes("upgrade") && upgrade.includes("websocket"),
  };
}

/** RFC 9112, 6.3. */
function responseFraming({ method, status, chunked, length }: {
  method: string;
  status: number;
  chunked: boolean;
  length: number | undefined;
}): Framing {
  if (!mayHaveBody(method, status)) return NO_BODY;
  if (chunked) return { kind: "chunked" };
  return length === undefined ? { kind: "close" } : { kind: "length", bytes: length };
}

/**
 * Tells whether a response has a body at all, RFC 9110, 6.4.1.
 *
 * @param method The method of the request.
 * @param status The status of the response.
 * @returns Whether a body follows the head.
 */
export function mayHaveBody(method: string, status: number): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
}
