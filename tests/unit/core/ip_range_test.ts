import { ipRangeText, outermostIpRanges, parseIpRange } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const READ: readonly [text: string, canonical: string][] = [
  ["192.0.2.255/31", "192.0.2.254/31"],
  ["255.255.255.255", "255.255.255.255"],
  ["1.2.3.4/0", "0.0.0.0/0"],
  ["::", "::"],
  ["::/0", "::/0"],
  ["2001:DB8:0:0:8:0:0:1", "2001:db8::8:0:0:1"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"],
  ["::1.2.3.4", "::102:304"],
  ["::ffff:10.1.2.3/104", "10.0.0.0/8"],
  ["::ffff:0:0/96", "0.0.0.0/0"],
  // Wider than what is IPv4 in other clothes.
  ["::ffff:0:0/95", "::fffe:0:0/95"],
];
for (const [text, canonical] of READ) {
  Deno.test(`parseIpRange() reads ${text} as ${canonical}`, SANE, () => {
    const range = parseIpRange(text);
    assertEquals(range && ipRangeText(range), canonical);
    assertEquals(parseIpRange(canonical), range);
  });
}

for (
  const text of ["", "1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.4/33", "1.2.3.4/", "::/129", ":::"]
    .concat(["1:2", "fe80::1%eth0", "1.2.3.4/8/8", " 1.2.3.4", "::1]", "a.b"])
) {
  Deno.test(`parseIpRange() does not read ${JSON.stringify(text)}`, SANE, () => {
    assertEquals(parseIpRange(text), undefined);
  });
}

Deno.test("outermostIpRanges() leaves no address twice, and none out", SANE, () => {
  const texts = ["10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "11.0.0.0/8", "::a", "::a", "::/0"];
  const ranges = texts.flatMap((text) => parseIpRange(text) ?? []);
  assertEquals(outermostIpRanges(ranges).map(ipRangeText), ["10.0.0.0/8", "11.0.0.0/8", "::/0"]);
  assertEquals(outermostIpRanges([]), []);
});
