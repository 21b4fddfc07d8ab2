/** How rules are set, looked after and removed, with the kernel's own tables. */
import { loadConfig } from "#src/config/mod.ts";
import { ManagedFirewall, Nft, type Ruleset, rulesetText } from "#src/firewall/mod.ts";
import { openServerFirewall } from "#src/host_firewall.ts";
import { assert, assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { FirewallPeers, PEER_PROGRAMS, PORT } from "#tests/support/firewall_peers.ts";
import { needs } from "#tests/support/needs.ts";
import { NetworkNamespace } from "#tests/support/network_namespace.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";
import { until } from "#tests/support/until.ts";

const options = needs({ root: true, files: PEER_PROGRAMS });

const WORKER = 1_960_000_200;
const TABLE = "blockyard_test";
const RULES: Ruleset = {
  table: TABLE,
  senders: { kind: "uids", start: WORKER, end: WORKER },
  denied: [],
  nameServers: [],
  services: { redis: [], database: [] },
};
const LOOPBACK = `tcp,127.0.0.1,${PORT}`;

function nftIn(namespace: NetworkNamespace): Nft {
  return new Nft((args, input) => namespace.run(["nft", ...args], input));
}

/** Every way to take rules away or to put something before them, with what is found then. */
const BY_HAND: readonly [what: string, found: "removed" | "changed", text: string][] = [
  ["removes the table", "removed", `delete table inet ${TABLE}`],
  ["removes all tables", "removed", "flush ruleset"],
  ["empties the table", "changed", `flush table inet ${TABLE}`],
  ["empties one chain", "changed", `flush chain inet ${TABLE} workers`],
  ["puts the table to sleep", "changed", `add table inet ${TABLE} { flags dormant; }`],
  ["lets something pass first", "changed", `insert rule inet ${TABLE} workers accept`],
  ["empties the chain that refuses", "changed", `flush chain inet ${TABLE} refuse`],
];

Deno.test("whatever is done to rules by hand is undone at the next look", options, async () => {
  await using peers = await FirewallPeers.create({ addresses: [] });
  const { host } = peers;
  const log = new RecordingLogger();
  await using firewall = await ManagedFirewall.open({
    nft: nftIn(host),
    table: TABLE,
    rules: () => Promise.resolve(rulesetText(RULES)),
    clock: new FakeClock(),
    log,
    intervalMs: 60_000,
  });
  const reached = async () => (await peers.reach([LOOPBACK], { uid: WORKER }))[LOOPBACK];
  assertEquals(await reached(), "refused");
  await firewall.check();
  assertEquals(log.records, [], "nothing was wrong");
  for (const [what, found, text] of BY_HAND) {
    const { code, stderr } = await host.run(["nft", "-f", "-"], text);
    assertEquals([code, stderr], [0, ""], text);
    assertEquals(await reached(), "answered", `after somebody ${what}`);
    await firewall.check();
    assertEquals(await reached(), "refused", `after somebody ${what}, and a look`);
    assertEquals(log.records.splice(0).map(({ level, fields }) => [level, fields.found]), [
      ["warn", found],
    ]);
  }
  await firewall.remove();
  assertEquals(await reached(), "answered");
  await firewall.remove();
});

Deno.test("a text that is wrong at its end changes nothing", options, async () => {
  await using namespace = await NetworkNamespace.create();
  const nft = nftIn(namespace);
  await nft.apply(rulesetText(RULES));
  const before = await nft.list(TABLE);
  const broken = [
    rulesetText(RULES).replace("cloud metadata", "changed") + "add rule inet none none accept\n",
    rulesetText({ ...RULES, services: { redis: [], database: [] } }).replace("reject\n", "rejct\n"),
  ];
  for (const text of broken) {
    await assertRejects(() => nft.apply(text), Error, "cannot set firewall rules: nft ended");
    await assertRejects(() => nft.check(text), Error, "cannot set firewall rules: nft ended");
    assertEquals(await nft.list(TABLE), before);
  }
  await nft.check(rulesetText({ ...RULES, table: "other" }));
  assertEquals(await nft.tables(), [TABLE]);
  await nft.remove(TABLE);
  await nft.remove(TABLE);
  assertEquals(await nft.tables(), []);
});

Deno.test("there is no moment without rules while they are set again", options, async () => {
  await using peers = await FirewallPeers.create({ addresses: [] });
  const nft = nftIn(peers.host);
  await nft.apply(rulesetText(RULES));
  let isSetting = true;
  const setting = (async () => {
    for (let time = 0; time < 20; time++) {
      await nft.apply(rulesetText({ ...RULES, comment: `time ${time}` }));
    }
  })().finally(() => isSetting = false);
  while (isSetting) {
    const found = await peers.tryOften(LOOPBACK, { uid: WORKER, times: 500 });
    assertEquals(found, { refused: 500 });
  }
  await setting;
});

Deno.test("a server looks after its rules every minute", options, async () => {
  await using namespace = await NetworkNamespace.create();
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const config = loadConfig({
    isRoot: true,
    readFile: () => "",
    env: { BLOCKYARD_FIREWALL_MODE: "managed" },
  });
  const nft = nftIn(namespace);
  const run = (command: readonly string[], input?: string) => namespace.run(command, input);
  await using firewall = await openServerFirewall(config, { isRoot: true, log, clock, run });
  const [table = "", ...more] = await nft.tables();
  assertEquals(more, []);
  const listing = await nft.list(table);
  assert(listing?.includes(`comment "blockyard serve, process ${Deno.pid} of `), listing);
  await nft.remove(table);
  await clock.advance(59_999);
  assertEquals(await nft.tables(), []);
  await clock.advance(1);
  await until(() => log.at("warn").length > 0, { what: "somebody looks" });
  await until(async () => await nft.list(table) === listing, { what: "the rules are back" });
  await firewall.remove();
  assertEquals(await nft.tables(), []);
});
