/**
 * What a worker is told about the client, and what the server itself believes of it. Headers that
 * speak of the client are taken from trusted proxies only.
 *
 * @module
 */
import { AddressSet, parseAddress } from "./addresses.ts";
import { headerElements, type HeaderList, headerValues } from "./headers.ts";
import type { RequestHead } from "./http/mod.ts";

/** The client of a request, as far as it can be known. */
export interface Client {
  /** The address of the client; of the last proxy that is not trusted, when there is one. */
  readonly address: string;
  /** What the client's own connection speaks. */
  readonly scheme: "http" | "https";
  /** The host that the client asked for; nothing when an HTTP/1.0 client named none. */
  readonly host: string | undefined;
  /** The path that a trusted proxy takes away before it asks here: `/tools`; empty for none. */
  readonly prefix: string;
  /** The addresses on the way, the client's first, the peer's last. */
  readonly chain: readonly string[];
  /** Whether the peer is a trusted proxy, so that the rest is what it said. */
  readonly isVouchedFor: boolean;
}

/** Finds out who asks, given the proxies whose word is believed. */
export class Forwarding {
  readonly #trusted: AddressSet;

  /**
   * Makes one that believes the given proxies.
   *
   * @param trustedProxies Networks in CIDR notation whose word about clients is believed.
   * @throws {RangeError} When one of them is no network.
   */
  constructor(trustedProxies: readonly string[]) {
    this.#trusted = new AddressSet(trustedProxies);
  }

  /**
   * Finds out who asks.
   *
   * @param head The request.
   * @returns The client, from what the peer says if it is a trusted proxy, else from the connection.
   */
  client(head: RequestHead): Client {
    const { headers } = head;
    const peer = parseAddress(head.remoteAddress) ?? head.remoteAddress;
    const host = headerValues(headers, "host")[0];
    if (parseAddress(peer) === undefined || !this.#trusted.has(peer)) {
      return {
        address: peer,
        scheme: "http",
        host,
        prefix: "",
        chain: [peer],
        isVouchedFor: false,
      };
    }
    const chain = [...headerElements(headers, "x-forwarded-for"), peer];
    return {
      address: clientAddress(chain, this.#trusted),
      scheme: headerElements(headers, "x-forwarded-proto")[0]?.toLowerCase() === "https"
        ? "https"
        : "http",
      host: headerElements(headers, "x-forwarded-host")[0] ?? host,
      prefix: cleanPrefix(headerElements(headers, "x-forwarded-prefix")[0] ?? ""),
      chain,
      isVouchedFor: true,
    };
  }
}

/**
 * Rewrites the headers of a request for a worker: `X-Forwarded-For`, `-Proto`, `-Host` and `-Prefix`
 * say what is believed. From a peer that is not trusted nothing else about the client comes through.
 * `Host`, `Authorization` and all others stay.
 *
 * @param headers The headers to send on.
 * @param client The client as {@linkcode Forwarding.client} found it.
 * @param options `path` is where the app lives, without a slash at its end: `/app/hello`.
 * @returns The headers in their order, those that were rewritten last.
 */
export function forwardedHeaders(
  headers: HeaderList,
  client: Client,
  options: { path: string },
): HeaderList {
  const isDropped = client.isVouchedFor ? isRewritten : speaksOfClient;
  const forwarded = headers.filter(([name]) => !isDropped(name));
  forwarded.push(
    ["X-Forwarded-For", client.chain.join(", ")],
    ["X-Forwarded-Proto", client.scheme],
  );
  if (client.host !== undefined) forwarded.push(["X-Forwarded-Host", client.host]);
  forwarded.push(["X-Forwarded-Prefix", client.prefix + options.path]);
  return forwarded;
}

/**
 * Finds the client in a chain of addresses: going from the peer towards the client, the first one
 * that is not trusted. What stands left of it anybody can have written.
 *
 * @param chain The addresses from the client's to the peer's, as found in `X-Forwarded-For`.
 * @param trusted The proxies whose word is believed.
 * @returns That address without a port; the leftmost one when all are trusted. An element that is
 * no address ends the search: the one to its right is the last that is known.
 */
export function clientAddress(chain: readonly string[], trusted: AddressSet): string {
  let known = chain.at(-1) ?? "";
  for (let index = chain.length - 1; index >= 0; index--) {
    const address = parseAddress(chain[index] ?? "");
    if (address === undefined) break;
    known = address;
    if (!trusted.has(address)) break;
  }
  return known;
}

const REWRITTEN = new Set([
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-prefix",
]);

function isRewritten(name: string): boolean {
  return mayStartWithForwarding(name) && REWRITTEN.has(canonicalName(name));
}

function speaksOfClient(name: string): boolean {
  if (!mayStartWithForwarding(name)) return false;
  const canonical = canonicalName(name);
  return canonical === "forwarded" || canonical === "x-real-ip" ||
    canonical.startsWith("x-forwarded-");
}

/** Spares most headers the making of a new string. */
function mayStartWithForwarding(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  return first === 0x78 || first === 0x66;
}

/** Apps that read headers as CGI variables (RFC 3875, 4.1.18) see `_` and `-` as the same. */
function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

/** The prefix goes into cookies, links and redirects: only a plain path is taken. */
function cleanPrefix(prefix: string): string {
  const path = prefix.replace(/\/+$/, "");
  const isPlain = /^(?:\/[A-Za-z0-9_~.-]+)*$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path);
  return isPlain ? path : "";
}
