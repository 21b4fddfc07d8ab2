/**
 * Header fields: reading them from a head, checking those to be sent, and telling the ones that
 * concern a single connection from the ones that travel end to end.
 *
 * @module
 */
import { MessageError } from "./message_error.ts";

/** One header field: its name as sent and its value without surrounding white space. */
export type Field = readonly [name: string, value: string];

/** token, RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Anything that a field value may not hold, RFC 9110, 5.5. */
const NOT_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

const TAB = 0x09;
const SPACE = 0x20;

/** Fields that concern one connection only, RFC 9110, 7.6.1, and the old names still in use. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Fields that the engine writes itself whenever a message needs them. */
const ENGINE: ReadonlySet<string> = new Set([...HOP_BY_HOP, "content-length", "expect"]);
/** The lengths of these names: most other names are told apart by their length, at no cost. */
const ENGINE_LENGTHS: readonly boolean[] = Array.from(
  { length: 1 + Math.max(...Array.from(ENGINE, (name) => name.length)) },
  (_, length) => Array.from(ENGINE).some((name) => name.length === length),
);

/**
 * Checks a method or a field name.
 *
 * @param text A candidate.
 * @returns Whether it is a token as methods and field names are.
 */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/**
 * Reads the field lines of a head that a `HeadScanner` has passed.
 *
 * @param head The whole head, its closing empty line included.
 * @param options `from` is where the first field line begins; `maxCount` how many there may be.
 * @returns The fields in their order.
 * @throws {MessageError} With 400 for a folded line, a missing colon or a name that is no token;
 * with 431 for too many fields.
 */
export function parseFields(
  head: string,
  { from, maxCount }: { from: number; maxCount: number },
): Field[] {
  const fields: Field[] = [];
  for (let lineStart = from; lineStart < head.length - 2;) {
    const lineEnd = head.indexOf("\r\n", lineStart);
    const first = head.charCodeAt(lineStart);
    if (first === SPACE || first === TAB) {
      throw new MessageError(400, "a header line is folded or begins with white space");
    }
    const colon = head.indexOf(":", lineStart);
    if (colon === -1 || colon > lineEnd) {
      throw new MessageError(400, "a header line has no colon");
    }
    const name = head.slice(lineStart, colon);
    if (!TOKEN.test(name)) throw new MessageError(400, "a header name is not a token");
    if (fields.length === maxCount) throw new MessageError(431, "too many header fields");
    fields.push([name, trimmed(head, colon + 1, lineEnd)]);
    lineStart = lineEnd + 2;
  }
  return fields;
}

/** Strips optional white space only (SP and HTAB): `trim()` would take more. */
function trimmed(text: string, from: number, to: number): string {
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/**
 * Splits a field value that is a comma-separated list, such as Connection's.
 *
 * @param value The value.
 * @returns Its elements in lower case, empty ones left out.
 */
export function listElements(value: string): string[] {
  return value.toLowerCase().split(",").map((element) => trimmed(element, 0, element.length))
    .filter((element) => element !== "");
}

/**
 * Takes out what concerns the connection that the fields came by.
 *
 * @param fields The fields of a head.
 * @param options `connection` holds the elements of its Connection fields, `keep` lower-case names
 * that stay even when they are among these.
 * @returns The end-to-end fields, in their order.
 */
export function endToEndFields(
  fields: readonly Field[],
  { connection, keep }: { connection: readonly string[]; keep: ReadonlySet<string> },
): readonly Field[] {
  const named = connection.filter((option) => !HOP_BY_HOP.has(option) && !keep.has(option));
  const kept: Field[] = [];
  for (const field of fields) {
    const [name] = field;
    if (isAmong(HOP_BY_HOP, name)) continue;
    if (named.length > 0 && named.includes(name.toLowerCase())) continue;
    kept.push(field);
  }
  return kept;
}

/** `names` is a part of {@linkcode ENGINE}. */
function isAmong(names: ReadonlySet<string>, name: string): boolean {
  return ENGINE_LENGTHS[name.length] === true && names.has(name.toLowerCase());
}

/**
 * Writes the fields of a head that is to be sent, leaving out those that are the engine's own:
 * hop-by-hop ones, `Content-Length`, and `Expect`.
 *
 * @param fields The fields.
 * @returns Field lines, each with its CRLF.
 * @throws {TypeError} When a name is not a token or a value holds a character that would break the
 * message.
 */
export function fieldLines(fields: readonly Field[]): string {
  let lines = "";
  for (const [name, value] of fields) {
    if (isAmong(ENGINE, name)) continue;
    if (!TOKEN.test(name)) {
      throw new TypeError(`cannot send header ${JSON.stringify(name)}: want a token as its name`);
    }
    if (NOT_IN_VALUE.test(value)) {
      throw new TypeError(
        `cannot send header ${name}: want a value of visible ISO 8859-1 characters`,
      );
    }
    lines += `${name}: ${value}\r\n`;
  }
  return lines;
}
