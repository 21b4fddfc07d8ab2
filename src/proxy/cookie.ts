/**
 * The cookie that holds a browser to its worker. Its value is a secret between the browser and the
 * server: workers are not trusted, so that they neither see it nor can set it.
 *
 * Cookie pairs are split as browsers write them (RFC 6265, 4.2.1): at every semicolon, also inside
 * quotes.
 *
 * @module
 */
import type { HeaderList } from "./headers.ts";

/** The name of the session cookie; one name for all apps, told apart by their paths. */
export const SESSION_COOKIE = "blockyard_session";

/**
 * Reads every value that a browser sent for the session cookie. There can be several: a browser
 * sends one for each matching path.
 *
 * @param headers The headers of the request; several `Cookie` fields are read as one.
 * @returns The values in the order they came, without surrounding quotes; empty ones left out.
 */
export function sessionCookieValues(headers: HeaderList): string[] {
  const values: string[] = [];
  for (const [name, field] of headers) {
    if (!isField(name, "cookie")) continue;
    for (const pair of field.split(";")) {
      if (pairName(pair) !== SESSION_COOKIE) continue;
      const value = unquote(pair.slice(pair.indexOf("=") + 1).trim());
      if (value !== "") values.push(value);
    }
  }
  return values;
}

/**
 * Takes the session cookie out of a request.
 *
 * @param headers The headers of the request.
 * @returns The headers with every other cookie, malformed ones included, exactly as it came; a
 * `Cookie` field that held nothing else is gone. The same list when there was nothing to take.
 */
export function withoutSessionCookie(headers: HeaderList): HeaderList {
  if (!headers.some(([name, field]) => isField(name, "cookie") && field.includes(SESSION_COOKIE))) {
    return headers;
  }
  return headers.flatMap((header): HeaderList => {
    const [name, field] = header;
    if (!isField(name, "cookie")) return [header];
    const pairs = field.split(";");
    const kept = pairs.filter((pair) => pairName(pair) !== SESSION_COOKIE);
    if (kept.length === pairs.length) return [header];
    const rest = kept.join(";").trim();
    return rest === "" ? [] : [[name, rest]];
  });
}

/**
 * Takes out of an answer what would set the session cookie in the browser.
 *
 * @param headers The headers of a worker's answer.
 * @returns The headers with every other `Set-Cookie` field as it came; the same list when there was
 * nothing to take.
 */
export function withoutForgedSession(headers: HeaderList): HeaderList {
  const isForged = ([name, field]: HeaderList[number]) =>
    isField(name, "set-cookie") && setsSessionCookie(field);
  return headers.some(isForged) ? headers.filter((header) => !isForged(header)) : headers;
}

/**
 * Writes the `Set-Cookie` value for a new session. Without an age it ends with the browser; how
 * long an unused session lives is the server's to say.
 *
 * @param sessionId The value, of characters that need no quoting.
 * @param options `path` is the app's path as the browser sees it, with a slash at its end;
 * `isSecure` says that the browser came over https.
 * @returns The value of the field.
 */
export function sessionCookie(
  sessionId: string,
  options: { path: string; isSecure: boolean },
): string {
  const secure = options.isSecure ? "; Secure" : "";
  return `${SESSION_COOKIE}=${sessionId}; Path=${options.path}; HttpOnly; SameSite=Lax${secure}`;
}

function setsSessionCookie(field: string): boolean {
  const pair = field.split(";", 1)[0] ?? "";
  const name = pairName(pair);
  if (name === SESSION_COOKIE) return true;
  // A cookie without a name is sent back as its bare value, which then reads as a pair.
  return name === "" && pairName(pair.slice(pair.indexOf("=") + 1)) === SESSION_COOKIE;
}

/** The name of a pair; empty when the pair has no name. */
function pairName(pair: string): string {
  const equals = pair.indexOf("=");
  return equals === -1 ? "" : pair.slice(0, equals).trim();
}

function unquote(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1)
    : value;
}

function isField(name: string, lowerCaseName: string): boolean {
  return name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName;
}
