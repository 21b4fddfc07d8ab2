/**
 * The head of a request: syntax, and everything that decides where the message ends. What two
 * programs could read in two ways is refused, RFC 9112, 11.2.
 *
 * @module
 */
import type { RequestHead } from "./exchange.ts";
import { endToEndFields, type Field, isToken, listElements, parseFields } from "./fields.ts";
import { checkTransferEncoding, type Framing, NO_BODY, parseContentLength } from "./framing.ts";
import type { HttpLimits } from "./limits.ts";
import { MessageError } from "./message_error.ts";

/** A request as far as its head tells. */
export interface ParsedRequest {
  /** What the router sees. */
  readonly head: RequestHead;
  /** How the body is delimited; never `close`. */
  readonly body: Framing;
  /** Whether the client wants to go on with the connection afterwards. */
  readonly keepAlive: boolean;
  /** Whether the client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
}

/** Fields that Connection cannot name away. */
const KEPT: ReadonlySet<string> = new Set(["content-length", "expect", "host"]);

/** uri-host [ ":" port ], RFC 9110, 7.2; user information is no part of it. */
const HOST = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?$/;
/** Visible ASCII without `#`: what browsers send unescaped goes through, RFC 3986 or not. */
const ORIGIN_FORM = /^\/[\x21\x22\x24-\x7e]*$/;

/**
 * Parses the head of a request that a `HeadScanner` has passed.
 *
 * @param text The whole head, one character per byte, its closing empty line included.
 * @param options `remoteAddress` is the peer; of `limits` those for the target and the fields count.
 * @returns The request.
 * @throws {MessageError} When it must be refused; the connection cannot go on after that.
 */
export function parseRequestHead(
  text: string,
  { remoteAddress, limits }: { remoteAddress: string; limits: HttpLimits },
): ParsedRequest {
  const lineEnd = text.indexOf("\r\n");
  const { method, rawTarget, version } = parseRequestLine(text.slice(0, lineEnd), limits);
  const { target, authority } = originForm(rawTarget);
  const fields = parseFields(text, { from: lineEnd + 2, maxCount: limits.headerCount });

  const seen = collect(fields);
  if (seen.hosts.length > 1 || (seen.hosts.length === 0 && version === "1.1")) {
    throw new MessageError(400, "there is not exactly one Host");
  }
  if (!HOST.test(seen.hosts[0] ?? "")) throw new MessageError(400, "Host is malformed");
  const body = requestFraming(seen, version);

  let expectsContinue = false;
  if (seen.expect !== undefined && version === "1.1") {
    if (seen.expect.toLowerCase() !== "100-continue") {
      throw new MessageError(417, "Expect asks for something other than 100-continue");
    }
    expectsContinue = body.kind === "chunked" || (body.kind === "length" && body.bytes > 0);
  }
  const isWebSocket = version === "1.1" && method === "GET" &&
    seen.connection.includes("upgrade") && seen.upgrade.includes("websocket");
  if (isWebSocket && (body.kind === "chunked" || (body.kind === "length" && body.bytes > 0))) {
    throw new MessageError(400, "a WebSocket handshake has a body");
  }
  const headers = endToEndFields(
    authority === undefined ? fields : withHost(fields, authority),
    { connection: seen.connection, keep: KEPT },
  );
  return {
    head: { method, target, version, headers, isWebSocket, remoteAddress },
    body,
    keepAlive: version === "1.1"
      ? !seen.connection.includes("close")
      : seen.connection.includes("keep-alive") && !seen.connection.includes("close"),
    expectsContinue,
  };
}

function parseRequestLine(
  line: string,
  limits: HttpLimits,
): { method: string; rawTarget: string; version: "1.0" | "1.1" } {
  const [method = "", rawTarget = "", protocol = "", ...more] = line.split(" ");
  if (more.length > 0 || rawTarget === "" || !isToken(method)) {
    throw new MessageError(400, "the request line is malformed");
  }
  if (rawTarget.length > limits.targetBytes) {
    throw new MessageError(414, "the request target is too long");
  }
  if (protocol !== "HTTP/1.1" && protocol !== "HTTP/1.0") {
    throw /^HTTP\/[0-9]\.[0-9]$/.test(protocol)
      ? new MessageError(505, "the HTTP version is neither 1.1 nor 1.0")
      : new MessageError(400, "the request line names no HTTP version");
  }
  if (method === "CONNECT") throw new MessageError(400, "CONNECT is not served here");
  return { method, rawTarget, version: protocol === "HTTP/1.1" ? "1.1" : "1.0" };
}

/** Absolute form becomes origin form; its authority then stands for Host, RFC 9112, 3.2.2. */
function originForm(rawTarget: string): { target: string; authority: string | undefined } {
  let target = rawTarget;
  let authority: string | undefined;
  if (!rawTarget.startsWith("/")) {
    const match = /^http:\/\/([^/?#]+)(.*)$/i.exec(rawTarget);
    authority = match?.[1];
    if (match === null || authority === undefined || !HOST.test(authority)) {
      throw new MessageError(400, "the request target is not in origin form");
    }
    const rest = match[2] ?? "";
    target = rest.startsWith("/") ? rest : `/${rest}`;
  }
  if (!ORIGIN_FORM.test(target)) {
    throw new MessageError(400, "the request target contains a character that must be escaped");
  }
  return { target, authority };
}

interface SeenFields {
  readonly hosts: string[];
  readonly lengths: string[];
  readonly codings: string[];
  readonly connection: string[];
  readonly upgrade: string[];
  expect: string | undefined;
}

function collect(fields: readonly Field[]): SeenFields {
  const seen: SeenFields = {
    hosts: [],
    lengths: [],
    codings: [],
    connection: [],
    upgrade: [],
    expect: undefined,
  };
  for (const [name, value] of fields) {
    switch (name.toLowerCase()) {
      case "host":
        seen.hosts.push(value);
        break;
      case "content-length":
        seen.lengths.push(value);
        break;
      case "transfer-encoding":
        seen.codings.push(value);
        break;
      case "connection":
        seen.connection.push(...listElements(value));
        break;
      case "upgrade":
        seen.upgrade.push(...listElements(value));
        break;
      case "expect":
        seen.expect = seen.expect === undefined ? value : `${seen.expect}, ${value}`;
        break;
    }
  }
  return seen;
}

function requestFraming(seen: SeenFields, version: "1.0" | "1.1"): Framing {
  if (seen.codings.length > 0) {
    if (seen.lengths.length > 0) {
      throw new MessageError(400, "there are both Content-Length and Transfer-Encoding");
    }
    if (version === "1.0") {
      throw new MessageError(400, "there is a Transfer-Encoding in HTTP/1.0");
    }
    checkTransferEncoding(seen.codings);
    return { kind: "chunked" };
  }
  if (seen.lengths.length > 1) throw new MessageError(400, "there are several Content-Lengths");
  const [length] = seen.lengths;
  return length === undefined ? NO_BODY : { kind: "length", bytes: parseContentLength(length) };
}

function withHost(fields: readonly Field[], authority: string): Field[] {
  return [
    ["Host", authority],
    ...fields.filter(([name]) => name.toLowerCase() !== "host"),
  ];
}
