import { AddressSet, parseAddress } from "#src/proxy/addresses.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { strict } from "./harness.ts";

Deno.test(
  "parseAddress() reads addresses with ports, brackets, zones and mapped ones",
  strict,
  () => {
    const cases: [text: string, address: string | undefined][] = [
      ["192.0.2.1", "192.0.2.1"],
      ["192.0.2.1:8080", "192.0.2.1"],
      ["2001:db8::1", "2001:db8::1"],
      ["[2001:db8::1]", "2001:db8::1"],
      ["[2001:db8::1]:443", "2001:db8::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["[::FFFF:192.0.2.1]:80", "192.0.2.1"],
      ["unknown", undefined],
      ["_hidden", undefined],
      ["", undefined],
      ["256.0.0.1", undefined],
      ["010.0.0.1", undefined],
      ["1.2.3", undefined],
      ["[192.0.2.1", undefined],
      ["2001:db8::1::2", undefined],
    ];
    for (const [text, address] of cases) assertEquals(parseAddress(text), address, text);
  },
);

Deno.test("AddressSet holds IPv4 and IPv6 networks and single addresses", strict, () => {
  const set = new AddressSet(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::1"]);
  for (const address of ["10.0.0.0", "10.255.255.255", "192.0.2.7", "2001:db8:ff::1", "::1"]) {
    assertEquals(set.has(address), true, address);
  }
  for (const address of ["11.0.0.0", "9.255.255.255", "192.0.2.8", "2001:db9::", "::2"]) {
    assertEquals(set.has(address), false, address);
  }
});

Deno.test("AddressSet takes mapped IPv4 for IPv4, in networks and in questions", strict, () => {
  assertEquals(new AddressSet(["10.0.0.0/8"]).has("::ffff:10.1.2.3"), true);
  assertEquals(new AddressSet(["10.0.0.0/8"]).has("::ffff:b01:203"), false);
  assertEquals(new AddressSet(["::ffff:10.0.0.0/104"]).has("10.1.2.3"), true);
});

Deno.test("an AddressSet of nothing has nothing, one of everything has everything", strict, () => {
  assertEquals(new AddressSet([]).has("127.0.0.1"), false);
  assertEquals(new AddressSet(["0.0.0.0/0"]).has("203.0.113.9"), true);
});

Deno.test("AddressSet refuses what is no network and says what is wanted", strict, () => {
  for (
    const network of [
      "",
      "localhost",
      "10.0.0.0/33",
      "::/129",
      "10.0.0/8",
      "10.0.0.0/",
      "10.0.0.0/8/8",
    ]
  ) {
    assertThrows(
      () => new AddressSet([network]),
      RangeError,
      `cannot use ${JSON.stringify(network)} as a network: want`,
    );
  }
});
