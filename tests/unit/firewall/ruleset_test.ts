import { type IpRange, parseIpRange } from "#src/core/mod.ts";
import {
  type Endpoint,
  METADATA_ADDRESSES,
  removalText,
  type Ruleset,
  rulesetText,
  type Senders,
} from "#src/firewall/mod.ts";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

function range(text: string): IpRange {
  const parsed = parseIpRange(text);
  assert(parsed !== undefined, text);
  return parsed;
}

const at = (text: string, port?: number): Endpoint => ({ range: range(text), port });

const NOTHING: Ruleset = {
  table: "t",
  senders: { kind: "uids", start: 2000, end: 2999 },
  denied: [],
  nameServers: [],
  services: { redis: [], database: [] },
};

/** The rules of a chain, one in a line. */
function chain(name: string, changes: Partial<Ruleset> = {}): string[] {
  const text = rulesetText({ ...NOTHING, ...changes });
  const [, rules = ""] = new RegExp(`\tchain ${name} {\n(.*?)\t}\n`, "s").exec(text) ?? [];
  return rules.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

const PORT_53 = "meta l4proto { tcp, udp } th dport 53";

Deno.test("a table takes the place of its predecessor in one transaction", SANE, () => {
  const text = rulesetText(NOTHING);
  assert(text.startsWith("table inet t\ndelete table inet t\ntable inet t {\n"), text);
  assertEquals(removalText("t"), "table inet t\ndelete table inet t\n");
  assertEquals(text.match(/{/g)?.length, text.match(/}/g)?.length);
});

Deno.test("packets of workers alone are looked at, before and after NAT", SANE, () => {
  assertEquals(chain("before_nat", { comment: "whose" }), [
    "type filter hook output priority mangle; policy accept;",
    'meta skuid 2000-2999 goto workers comment "whose"',
  ]);
  assertEquals(chain("after_nat", { comment: "whose" }), [
    "type filter hook output priority filter; policy accept;",
    "meta skuid 2000-2999 goto workers",
  ]);
});

const SENDERS: readonly [senders: Senders, match: string][] = [
  [{ kind: "uids", start: 7000, end: 7000 }, "meta skuid 7000"],
  [
    { kind: "group", path: "user.slice/a@b\\x2d.service/workers", level: 3 },
    'socket cgroupv2 level 3 "user.slice/a@b\\x2d.service/workers"',
  ],
];
for (const [senders, match] of SENDERS) {
  Deno.test(`senders are matched by ${match}`, SANE, () => {
    assertEquals(chain("after_nat", { senders })[1], `${match} goto workers`);
  });
}

for (const path of ['a"; flush ruleset; #', "a\nb", "a\u007fb", ""]) {
  Deno.test(`the group ${JSON.stringify(path)} cannot end a rule`, SANE, () => {
    const senders = { kind: "group", path, level: 1 } as const;
    assertThrows(
      () => rulesetText({ ...NOTHING, senders }),
      RangeError,
      "want a path without quotes and control characters",
    );
  });
}

Deno.test("without anything else, workers answer, and are kept from this host", SANE, () => {
  const rules = chain("workers");
  assertEquals(rules.length, 4);
  assertEquals(rules[0], 'tcp flags & (syn | ack) != syn accept comment "answers"');
  assertEquals(rules.at(-1), 'fib daddr type != unicast goto refuse comment "this host"');
  assertEquals(rules.slice(1, 3), [
    'ip daddr { 100.100.100.200, 168.63.129.16, 169.254.0.0/16 } goto refuse comment "cloud metadata"',
    "ip6 daddr { fd00:ec2::254, fd20:ce::254, fd00:c1::a9fe:a9fe, fd00:a9fe:a9fe::1, " +
    'fd00:100::100:200, fd00:ec2::23, fd00:42::42, fe80::/10 } goto refuse comment "cloud metadata"',
  ]);
});

Deno.test("every address of metadata that preflight knows is in a rule", SANE, () => {
  const text = chain("workers").join("\n");
  for (const address of METADATA_ADDRESSES) {
    if (!address.startsWith("169.254.")) assertStringIncludes(text, address);
  }
});

Deno.test("what is denied goes before name servers, these before all others", SANE, () => {
  const rules = chain("workers", {
    denied: [at("10.0.0.0/8"), at("fd00::/8"), at("192.0.2.1", 443), at("192.0.2.2", 443)],
    nameServers: [range("127.0.0.53"), range("::1"), range("169.254.169.254")],
    services: { redis: [at("192.0.2.3", 6379)], database: [at("fd00::5", 5432)] },
  });
  assertEquals(rules.filter((rule) => !rule.includes("cloud metadata")).slice(1, -1), [
    'ip daddr { 10.0.0.0/8 } goto refuse comment "firewall.deny"',
    'ip6 daddr { fd00::/8 } goto refuse comment "firewall.deny"',
    "ip daddr { 192.0.2.1, 192.0.2.2 } meta l4proto { tcp, udp } th dport 443 goto refuse " +
    'comment "firewall.deny"',
    `ip daddr { 127.0.0.53, 169.254.169.254 } ${PORT_53} accept comment "name servers"`,
    `ip6 daddr { ::1 } ${PORT_53} accept comment "name servers"`,
    "ip daddr { 192.0.2.3 } meta l4proto { tcp, udp } th dport 6379 goto refuse " +
    'comment "Redis"',
    "ip6 daddr { fd00::5 } meta l4proto { tcp, udp } th dport 5432 goto refuse " +
    'comment "database"',
  ]);
  const metadata = rules.findIndex((rule) => rule.includes("cloud metadata"));
  assert(metadata > rules.findIndex((rule) => rule.includes(`{ ::1 } ${PORT_53}`)));
});

Deno.test("no address is twice in a rule, and all of them are no set", SANE, () => {
  const denied = ["10.1.0.0/16", "10.0.0.0/8", "10.0.0.0/8", "::/0", "fd00::1"].map((it) => at(it));
  assertEquals(chain("workers", { denied }).slice(1, 3), [
    'ip daddr { 10.0.0.0/8 } goto refuse comment "firewall.deny"',
    'meta nfproto ipv6 goto refuse comment "firewall.deny"',
  ]);
});
