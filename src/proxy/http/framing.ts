/**
 * How the length of a body is told, RFC 9112, 6.
 *
 * @module
 */
import { MessageError } from "./message_error.ts";

/** How a body is delimited. */
export type Framing =
  /** There is no body, and nothing in the head tells of one. */
  | { readonly kind: "none" }
  /** `Content-Length`: this many bytes. */
  | { readonly kind: "length"; readonly bytes: number }
  /** `Transfer-Encoding: chunked`. */
  | { readonly kind: "chunked" }
  /** It lasts until the connection ends; responses only. */
  | { readonly kind: "close" };

/** The framing of a message without a body. */
export const NO_BODY: Framing = { kind: "none" };

/**
 * Reads a Content-Length.
 *
 * @param value The field's value.
 * @returns The length in bytes, a safe integer.
 * @throws {MessageError} With 400 when it is not made of 1 to 15 digits.
 */
export function parseContentLength(value: string): number {
  if (!/^[0-9]{1,15}$/.test(value)) {
    throw new MessageError(400, "Content-Length is not a number of bytes");
  }
  return Number(value);
}

/**
 * Checks a Transfer-Encoding, of which `chunked` alone is understood.
 *
 * @param values The values of all Transfer-Encoding fields, in order.
 * @throws {MessageError} With 501 when a coding is unknown; with 400 when the value is malformed or
 * does not end in a single `chunked`.
 */
export function checkTransferEncoding(values: readonly string[]): void {
  const [only] = values;
  if (values.length === 1 && only?.toLowerCase() === "chunked") return;
  const codings = values.join(",").toLowerCase().split(",").map((coding) =>
    coding.replaceAll(/^[ \t]+|[ \t]+$/g, "")
  );
  const chunked = codings.indexOf("chunked");
  const malformed = codings.some((coding) => !/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(coding)) ||
    (chunked !== -1 && chunked !== codings.length - 1);
  throw malformed
    ? new MessageError(400, "Transfer-Encoding is malformed")
    : new MessageError(501, "Transfer-Encoding names a coding other than chunked");
}
