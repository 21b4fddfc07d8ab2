/** What workers reach under the rules is looked at from processes with their uids. */
import { type IpRange, parseIpRange } from "#src/core/mod.ts";
import { type Endpoint, type Ruleset, rulesetText } from "#src/firewall/mod.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import {
  FirewallPeers,
  OWN,
  PEER_PROGRAMS,
  PORT,
  type Reached,
} from "#tests/support/firewall_peers.ts";
import { needs } from "#tests/support/needs.ts";

const options = needs({ root: true, files: PEER_PROGRAMS });

const FIRST_UID = 1_960_000_000;
const LAST_UID = 1_960_000_009;
const WORKER = FIRST_UID + 3;
const [OWN4, OWN6] = OWN;

/** What is outside, with documentation's addresses (RFC 5737, RFC 3849) for all but metadata. */
const INTERNET = ["203.0.113.5", "2001:db8::5"] as const;
const METADATA = ["169.254.169.254", "fd00:ec2::254"] as const;
const OTHER_METADATA = [
  "100.100.100.200",
  "168.63.129.16",
  "169.254.42.42",
  "fd20:ce::254",
] as const;
const REDIS = ["192.0.2.10", "2001:db8:10::10"] as const;
const DATABASE = ["192.0.2.20", "2001:db8:20::20"] as const;
const DENIED = ["198.51.100.5", "2001:db8:30::5"] as const;
const DENIED_PORT = ["203.0.113.9", "2001:db8::9"] as const;
/** What NAT of the host turns into something else. */
const TURNED_INWARDS = "203.0.113.80";
const TURNED_OUTWARDS = `tcp,${OWN4},8080`;
const TURNED = [TURNED_OUTWARDS, ...["tcp", "udp"].map((it) => `${it},${TURNED_INWARDS},${PORT}`)];
const STUB = "127.0.0.53";

function range(text: string): IpRange {
  const parsed = parseIpRange(text);
  assert(parsed !== undefined, text);
  return parsed;
}

const at = (text: string, port?: number): Endpoint => ({ range: range(text), port });

const RULES: Ruleset = {
  table: "blockyard_test",
  senders: { kind: "uids", start: FIRST_UID, end: LAST_UID },
  denied: [
    at("198.51.100.0/24"),
    at("2001:db8:30::/48"),
    ...DENIED_PORT.map((address) => at(address, 8443)),
  ],
  nameServers: [range(STUB)],
  services: {
    redis: REDIS.map((address) => at(address, 6379)),
    database: DATABASE.map((address) => at(address, 5432)),
  },
};

const tcpAndUdp = (address: string, port: number = PORT) =>
  ["tcp", "udp"].map((protocol) => `${protocol},${address},${port}`);

/** Ways to this host; those over UDP are among the ways without a connection. */
const HOST = [
  ...["127.0.0.1", "::1", "127.9.9.9", OWN4, OWN6].flatMap((address) => tcpAndUdp(address)),
  // Both mean loopback to who connects.
  ...["0.0.0.0", "::"].flatMap((address) => tcpAndUdp(address)),
  ...["127.0.0.1", OWN4].flatMap((address) => tcpAndUdp(`::ffff:${address}`)),
  // Each reaches whoever listens at all addresses here.
  ...["127.255.255.255", "255.255.255.255", "10.77.0.255"].map((it) => `broadcast,${it},${PORT}`),
  ...[`udp,224.0.0.1,${PORT}`, `udp,ff02::1%host0,${PORT}`],
  ...[`fastopen,127.0.0.1,${PORT}`, `fastopen,::1,${PORT}`, `mptcp,127.0.0.1,${PORT}`],
  ...[`mptcp,${OWN6},${PORT}`],
  // Not what is allowed of the name server.
  ...tcpAndUdp(STUB),
  ...tcpAndUdp("127.0.0.1", 53),
];
const NAME_SERVER = tcpAndUdp(STUB, 53);
const OPEN = [
  ...INTERNET.flatMap((address) => tcpAndUdp(address)),
  ...[...REDIS, ...DATABASE, ...DENIED_PORT].flatMap((address) => tcpAndUdp(address)),
];

/** Each takes one rule away: which, and what is open without it that is not with it. */
const MUTATIONS: readonly [rule: string, line: RegExp, opens: readonly string[]][] = [
  ["for this host", /fib daddr .*"this host"/, [...HOST, ...TURNED]],
  ["for metadata over IPv4", /ip daddr .*"cloud metadata"/, [
    ...[METADATA[0], ...OTHER_METADATA.slice(0, 3)].flatMap((address) => tcpAndUdp(address)),
  ]],
  ["for metadata over IPv6", /ip6 daddr .*"cloud metadata"/, [
    ...[METADATA[1], OTHER_METADATA[3]].flatMap((address) => tcpAndUdp(address)),
  ]],
  ["for Redis over IPv4", /ip daddr .*"Redis"/, tcpAndUdp(REDIS[0], 6379)],
  ["for Redis over IPv6", /ip6 daddr .*"Redis"/, tcpAndUdp(REDIS[1], 6379)],
  ["for the database over IPv4", /ip daddr .*"database"/, tcpAndUdp(DATABASE[0], 5432)],
  ["for the database over IPv6", /ip6 daddr .*"database"/, tcpAndUdp(DATABASE[1], 5432)],
  ["for a denied range of IPv4", /ip daddr \{ 198.*deny"/, tcpAndUdp(DENIED[0])],
  ["for a denied range of IPv6", /ip6 daddr \{ 2001:db8:30.*deny"/, tcpAndUdp(DENIED[1])],
  ["for a denied port of IPv4", /ip daddr \{ 203.*deny"/, tcpAndUdp(DENIED_PORT[0], 8443)],
  ["for a denied port of IPv6", /ip6 daddr \{ 2001:db8::9.*deny"/, tcpAndUdp(DENIED_PORT[1], 8443)],
  ["before NAT", /goto workers comment/, [TURNED_OUTWARDS]],
  ["after NAT", /goto workers$/, TURNED.slice(1)],
];

/** Everything that is not reached as long as no rule is missing. */
const CLOSED = [...new Set(MUTATIONS.flatMap(([, , opens]) => opens))];

async function connectedPeers(): Promise<FirewallPeers> {
  const addresses = [INTERNET, METADATA, OTHER_METADATA, REDIS, DATABASE, DENIED, DENIED_PORT]
    .flat();
  const peers = await FirewallPeers.create({
    addresses: [...addresses, TURNED_INWARDS],
    ports: [53, 5432, 6379, 8443],
  });
  await peers.host.must("nft add table ip nat");
  await set(
    peers,
    `add chain ip nat output { type nat hook output priority -100; }
    add rule ip nat output ip daddr ${OWN4} tcp dport 8080 dnat to ${INTERNET[0]}:${PORT}
    add rule ip nat output ip daddr ${TURNED_INWARDS} dnat to ${OWN4}`,
  );
  return peers;
}

async function set({ host }: FirewallPeers, text: string): Promise<void> {
  const { code, stderr } = await host.run(["nft", "-f", "-"], text);
  assertEquals([code, stderr], [0, ""], text);
}

/** The rules without one line. */
function without(line: RegExp): string {
  const lines = rulesetText({ ...RULES, comment: "first" }).split("\n");
  const left = lines.filter((it) => !line.test(it));
  assertEquals(left.length, lines.length - 1, `${line} is one line`);
  return left.join("\n");
}

function allOf(targets: readonly string[], reached: Reached): Record<string, Reached> {
  return Object.fromEntries(targets.map((target) => [target, reached]));
}

Deno.test(
  "a worker reaches the internet and its name server, and nothing closer",
  options,
  async () => {
    await using peers = await connectedPeers();
    const all = [...OPEN, ...NAME_SERVER, ...CLOSED];
    // Otherwise being refused would say nothing of the rules.
    assertEquals(await peers.reach(all, { uid: WORKER }), allOf(all, "answered"));
    await set(peers, rulesetText(RULES));
    const wanted = { ...allOf([...OPEN, ...NAME_SERVER], "answered"), ...allOf(CLOSED, "refused") };
    for (const uid of [FIRST_UID, WORKER, LAST_UID]) {
      assertEquals(await peers.reach(all, { uid }), wanted, `uid ${uid}`);
    }
    for (const uid of [0, FIRST_UID - 1, LAST_UID + 1]) {
      assertEquals(await peers.reach(all, { uid }), allOf(all, "answered"), `uid ${uid}`);
    }
  },
);

Deno.test("each rule keeps workers from something that no other rule does", options, async () => {
  await using peers = await connectedPeers();
  const all = [...OPEN, ...NAME_SERVER, ...CLOSED];
  for (const [rule, line, opens] of MUTATIONS) {
    await set(peers, without(line));
    const open = [...OPEN, ...NAME_SERVER, ...opens];
    const wanted = { ...allOf(CLOSED, "refused"), ...allOf(open, "answered") };
    assertEquals(await peers.reach(all, { uid: WORKER }), wanted, `without the rule ${rule}`);
  }
  await set(peers, without(/"name servers"/));
  assertEquals(await peers.reach(NAME_SERVER, { uid: WORKER }), allOf(NAME_SERVER, "refused"));
  // Without the last word of the chain that refuses, what is not TCP passes.
  await set(peers, without(/^\s*reject$/));
  assertEquals((await peers.reach(HOST, { uid: WORKER }))[`udp,127.0.0.1,${PORT}`], "answered");
  // TCP is refused in two ways, one of which is there for its cost alone.
  await set(peers, without(/tcp reset/));
  assertEquals(await peers.reach(CLOSED, { uid: WORKER }), allOf(CLOSED, "refused"));
});

Deno.test(
  "workers answer the server over TCP, by one rule, and nobody else over UDP",
  options,
  async () => {
    await using peers = await connectedPeers();
    await peers.answer(9001, WORKER);
    const own = ["127.0.0.1", "::1", OWN4].flatMap((address) => tcpAndUdp(address, 9001));
    const tcp = own.filter((target) => target.startsWith("tcp"));
    const udp = own.filter((target) => target.startsWith("udp"));
    assertEquals(await peers.reach(own), allOf(own, "answered"));
    await set(peers, rulesetText(RULES));
    assertEquals(await peers.reach(tcp), allOf(tcp, "answered"));
    assertEquals(await peers.reach(udp.slice(0, 1)), allOf(udp.slice(0, 1), "timeout"));
    // On the host network, workers are strangers to each other, and each to itself.
    assertEquals(await peers.reach(own, { uid: WORKER }), allOf(own, "refused"));
    assertEquals(await peers.reach(own, { uid: WORKER + 1 }), allOf(own, "refused"));
    await set(peers, without(/"answers"/));
    assertEquals(await peers.reach(tcp.slice(0, 1)), allOf(tcp.slice(0, 1), "timeout"));
  },
);

Deno.test("the host tracks no connections because of the rules", options, async () => {
  await using peers = await FirewallPeers.create({ addresses: INTERNET });
  await set(peers, rulesetText(RULES));
  const open = INTERNET.flatMap((address) => tcpAndUdp(address));
  assertEquals(await peers.reach(open, { uid: WORKER }), allOf(open, "answered"));
  const { stdout } = await peers.host.run(["cat", "/proc/sys/net/netfilter/nf_conntrack_count"]);
  assertEquals(stdout.trim(), "0");
});

Deno.test("a table of another server, or of the host, opens nothing", options, async () => {
  await using peers = await connectedPeers();
  await set(peers, rulesetText(RULES));
  const other = { start: FIRST_UID + 100, end: FIRST_UID + 199 };
  const uids = { kind: "uids", ...other } as const;
  await set(peers, rulesetText({ ...RULES, table: "blockyard_other", senders: uids, denied: [] }));
  await set(peers, rulesetText({ ...RULES, table: "blockyard_third", denied: [at(INTERNET[0])] }));
  await set(
    peers,
    `table inet host {
      chain first { type filter hook output priority -300; policy accept; accept; }
      chain last { type filter hook output priority 300; policy accept; accept; }
    }`,
  );
  assertEquals(await peers.reach(CLOSED, { uid: WORKER }), allOf(CLOSED, "refused"));
  // What one of two servers with the same uids refuses is refused for both.
  const denied = tcpAndUdp(INTERNET[0]);
  assertEquals(await peers.reach(denied, { uid: WORKER }), allOf(denied, "refused"));
  assertEquals(await peers.reach(denied, { uid: other.start }), allOf(denied, "answered"));
  assertEquals(await peers.reach(tcpAndUdp(DENIED[0]), { uid: other.end }), {
    ...allOf(tcpAndUdp(DENIED[0]), "answered"),
  });
  const loopback = tcpAndUdp("127.0.0.1");
  assertEquals(await peers.reach(loopback, { uid: other.end }), allOf(loopback, "refused"));
});
