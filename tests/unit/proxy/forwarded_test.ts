import { AddressSet } from "#src/proxy/addresses.ts";
import { clientAddress, forwardedHeaders, Forwarding } from "#src/proxy/forwarded.ts";
import type { HeaderList } from "#src/proxy/headers.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { head, strict } from "./harness.ts";

const path = "/app/hello";

/** What a worker sees of the client, for a request with these headers from this peer. */
function seen(headers: HeaderList, peer: string, trusted: string[]): HeaderList {
  const client = new Forwarding(trusted).client(head("/", { headers, remoteAddress: peer }));
  return forwardedHeaders(headers, client, { path });
}

Deno.test("a peer that is not trusted cannot speak of the client", strict, () => {
  const forged: HeaderList = [
    ["Host", "apps.example"],
    ["X-Forwarded-For", "1.1.1.1"],
    ["x-forwarded-proto", "https"],
    ["X-Forwarded-Host", "evil.example"],
    ["X_Forwarded_For", "2.2.2.2"],
    ["X-Forwarded-Port", "1"],
    ["X-Forwarded-Anything", "1"],
    ["Forwarded", "for=3.3.3.3"],
    ["X-Real-IP", "4.4.4.4"],
    ["x_real_ip", "4.4.4.4"],
    ["Authorization", "Basic eDp5"],
    ["X-Requested-With", "XMLHttpRequest"],
    ["From", "someone"],
  ];
  assertEquals(seen(forged, "198.51.100.9", ["10.0.0.0/8"]), [
    ["Host", "apps.example"],
    ["Authorization", "Basic eDp5"],
    ["X-Requested-With", "XMLHttpRequest"],
    ["From", "someone"],
    ["X-Forwarded-For", "198.51.100.9"],
    ["X-Forwarded-Proto", "http"],
    ["X-Forwarded-Host", "apps.example"],
    ["X-Forwarded-Prefix", path],
  ]);
});

Deno.test("a trusted proxy's word is kept and the proxy added to the chain", strict, () => {
  const headers: HeaderList = [
    ["Host", "inner.example"],
    ["X-Forwarded-For", "203.0.113.5, 10.0.0.1"],
    ["X-Forwarded-For", "10.0.0.2"],
    ["X_Forwarded_For", "6.6.6.6"],
    ["X-Forwarded-Proto", "HTTPS, http"],
    ["X-Forwarded-Host", "apps.example"],
    ["X-Forwarded-Prefix", "/tools/"],
    ["Forwarded", "for=203.0.113.5"],
    ["X-Real-IP", "203.0.113.5"],
  ];
  assertEquals(seen(headers, "::ffff:10.0.0.3", ["10.0.0.0/8"]), [
    ["Host", "inner.example"],
    ["Forwarded", "for=203.0.113.5"],
    ["X-Real-IP", "203.0.113.5"],
    ["X-Forwarded-For", "203.0.113.5, 10.0.0.1, 10.0.0.2, 10.0.0.3"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "apps.example"],
    ["X-Forwarded-Prefix", "/tools/app/hello"],
  ]);
});

Deno.test("client() tells address, scheme and prefix by what a trusted proxy says", strict, () => {
  const forwarding = new Forwarding(["10.0.0.0/8"]);
  const client = forwarding.client(head("/", {
    remoteAddress: "10.0.0.9",
    headers: [
      ["X-Forwarded-For", "6.6.6.6, 203.0.113.5:4711, 10.0.0.1"],
      ["X-Forwarded-Proto", "https"],
      ["X-Forwarded-Prefix", "/tools"],
    ],
  }));
  assertEquals(client.address, "203.0.113.5");
  assertEquals(client.scheme, "https");
  assertEquals(client.prefix, "/tools");
  assertEquals(client.host, undefined);
});

Deno.test("a prefix that is no plain path is not taken", strict, () => {
  const forwarding = new Forwarding(["10.0.0.0/8"]);
  for (
    const prefix of [
      "//evil.example",
      "tools",
      "/a;Path=/",
      "/a b",
      "/../x",
      "/a/..",
      "/%2e",
      '/"',
      "/",
    ]
  ) {
    const client = forwarding.client(head("/", {
      remoteAddress: "10.0.0.9",
      headers: [["X-Forwarded-Prefix", prefix]],
    }));
    assertEquals(client.prefix, "", prefix);
  }
});

Deno.test("without a Host nothing is said about the host", strict, () => {
  const names = seen([], "127.0.0.1", []).map(([name]) => name);
  assertEquals(names, ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Prefix"]);
});

Deno.test("clientAddress() is the rightmost address that is not trusted", strict, () => {
  const trusted = new AddressSet(["10.0.0.0/8", "fd00::/8"]);
  const cases: [chain: string[], address: string][] = [
    [["203.0.113.5"], "203.0.113.5"],
    [["1.1.1.1", "203.0.113.5", "10.0.0.1"], "203.0.113.5"],
    [["1.1.1.1", "[2001:db8::5]:80", "fd00::1", "10.0.0.1"], "2001:db8::5"],
    [["10.0.0.3", "10.0.0.2", "10.0.0.1"], "10.0.0.3"],
    [["1.1.1.1", "unknown", "10.0.0.1"], "10.0.0.1"],
    [["1.1.1.1", "::ffff:10.0.0.7"], "1.1.1.1"],
  ];
  for (const [chain, address] of cases) {
    assertEquals(clientAddress(chain, trusted), address, chain.join());
  }
});

Deno.test("Forwarding refuses a trusted proxy that is no network", strict, () => {
  assertThrows(() => new Forwarding(["proxy.example"]), RangeError, '"proxy.example"');
});
