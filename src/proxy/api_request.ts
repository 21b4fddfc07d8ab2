import type { RequestHead } from "./http/mod.ts";

/** The methods that the API knows, with those that HTTP wants it to refuse (RFC 9110, 9). */
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
]);

/** What a body means there is not defined (RFC 9110, 9.3.1), and fetch's requests have none. */
const BODYLESS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Tells whether the API could be asked by a method.
 *
 * @param method The method, as it was sent.
 * @returns Whether it knows it.
 */
export function isApiMethod(method: string): boolean {
  return METHODS.has(method);
}

/**
 * Makes a request for the API out of one that came over the wire.
 *
 * @param head What came; its method is one that the API knows.
 * @param options `body` is what follows it, undefined for nothing; `signal` is aborted when nobody
 * waits for the answer any more.
 * @returns The request. A body of a method that cannot have one is left out.
 */
export function apiRequest(
  head: RequestHead,
  { body, signal }: { body: ReadableStream<Uint8Array> | undefined; signal: AbortSignal },
): Request {
  const headers = new Headers();
  for (const [name, value] of head.headers) headers.append(name, value);
  // Whatever a client calls this host, to the API it has one name.
  return new Request(`http://localhost${head.target}`, {
    method: head.method,
    headers,
    body: BODYLESS.has(head.method) ? null : body ?? null,
    signal,
  });
}
