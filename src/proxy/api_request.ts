import type { RequestHead } from "./http/mod.ts";

/** The methods that the API knows, with those that HTTP wants it to refuse (RFC 9110, 9). */
const METHODS: ReadonlySet<string> = new Set([
  ...["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
]);

/**
 * Makes a request for the API out of one that came over the wire, without its body.
 *
 * @param head What came.
 * @returns The request; undefined when it is none that the API could be asked.
 */
export function apiRequest(head: RequestHead): Request | undefined {
  if (!METHODS.has(head.method)) return undefined;
  const headers = new Headers();
  for (const [name, value] of head.headers) headers.append(name, value);
  // Whatever a client calls this host, to the API it has one name.
  return new Request(`http://localhost${head.target}`, { method: head.method, headers });
}
