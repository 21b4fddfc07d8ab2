import { KnownAddresses, ManagedFirewall, Nft } from "#src/firewall/mod.ts";
import { ipRangeText } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeClock } from "#tests/support/fake_clock.ts";
import { RecordingLogger } from "#tests/support/recording_logger.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const INTERVAL_MS = 60_000;

/** A host whose table is what was set last; an empty text removes it. */
class FakeHost {
  table: string | undefined;
  wanted = "rules 1";
  failure = "";
  readonly set: string[] = [];
  readonly clock = new FakeClock();
  readonly log = new RecordingLogger();

  open(): Promise<ManagedFirewall> {
    return ManagedFirewall.open({
      nft: new Nft((args, input) => Promise.resolve(this.#run(args, input))),
      table: "t",
      rules: () => Promise.resolve(this.wanted),
      clock: this.clock,
      log: this.log,
      intervalMs: INTERVAL_MS,
    });
  }

  #run(args: readonly string[], input: string | undefined) {
    const done = { code: 0, stdout: "", stderr: "" };
    if (this.failure !== "") return { ...done, code: 1, stderr: this.failure };
    if (input !== undefined) {
      this.set.push(input);
      this.table = input.includes("delete table") ? undefined : input;
      return done;
    }
    return args.includes("list") && this.table !== undefined
      ? { ...done, stdout: this.table }
      : { ...done, code: 1, stderr: "No such file or directory" };
  }

  messages(): string[] {
    return this.log.records.map(({ level, message }) => `${level} ${message}`);
  }
}

const AGAIN =
  "warn firewall rules are not as they were set, and are set again: what workers have " +
  "connected to meanwhile stays connected";

Deno.test("rules that are as they were set are left alone", SANE, async () => {
  const host = new FakeHost();
  await using firewall = await host.open();
  await firewall.check();
  assertEquals(host.set, ["rules 1"]);
  assertEquals(host.messages(), []);
});

for (
  const [what, table] of [["removed", undefined], ["changed", "rules 1 flags dormant"]] as const
) {
  Deno.test(`rules that were ${what} are set again at the next look`, SANE, async () => {
    const host = new FakeHost();
    await using _firewall = await host.open();
    host.table = table;
    await host.clock.advance(INTERVAL_MS);
    assertEquals(host.set, ["rules 1", "rules 1"]);
    assertEquals(host.messages(), [AGAIN]);
    assertEquals(host.log.records[0]?.fields, { table: "t", found: what });
  });
}

Deno.test("rules follow what is wanted, and what was done to them is told, too", SANE, async () => {
  const host = new FakeHost();
  await using firewall = await host.open();
  host.wanted = "rules 2";
  await firewall.check();
  assertEquals(host.table, "rules 2");
  host.wanted = "rules 3";
  host.table = undefined;
  await firewall.check();
  assertEquals(host.table, "rules 3");
  const follow = "info firewall rules follow addresses that changed";
  assertEquals(host.messages(), [follow, AGAIN, follow]);
});

Deno.test("a look that fails is an error in the log, and not the last one", SANE, async () => {
  const host = new FakeHost();
  await using _firewall = await host.open();
  host.table = undefined;
  host.failure = "Operation not permitted";
  await host.clock.advance(INTERVAL_MS);
  assertEquals(host.log.at("error").length, 1);
  host.failure = "";
  await host.clock.advance(INTERVAL_MS);
  assertEquals(host.table, "rules 1");
});

Deno.test("rules that cannot be set are no firewall", SANE, async () => {
  const host = new FakeHost();
  host.failure = "Operation not permitted";
  await assertRejects(() => host.open(), Error, "CAP_NET_ADMIN");
});

Deno.test("disposing leaves the rules, and remove() does not", SANE, async () => {
  const host = new FakeHost();
  const firewall = await host.open();
  await firewall[Symbol.asyncDispose]();
  assertEquals(host.table, "rules 1");
  await firewall.remove();
  assertEquals(host.table, undefined);
});

/** Names whose answers a test says. */
function names() {
  const clock = new FakeClock();
  const log = new RecordingLogger();
  const state: { answer: string[] | Error } = { answer: [] };
  const known = new KnownAddresses({
    lookUp: () =>
      state.answer instanceof Error ? Promise.reject(state.answer) : Promise.resolve(state.answer),
    clock,
    log,
  });
  const of = async (name: string) => (await known.of(name)).map(ipRangeText);
  return { clock, log, state, of };
}

Deno.test("addresses that a name had count for an hour, in one order", SANE, async () => {
  const { clock, state, of } = names();
  state.answer = ["192.0.2.2", "fe80::1%eth0"];
  assertEquals(await of("db.example"), ["192.0.2.2", "fe80::1"]);
  await clock.advance(1_800_000);
  state.answer = ["192.0.2.1", "192.0.2.2"];
  assertEquals(await of("db.example"), ["192.0.2.1", "192.0.2.2", "fe80::1"]);
  await clock.advance(1_800_001);
  assertEquals(await of("db.example"), ["192.0.2.1", "192.0.2.2"]);
});

Deno.test("addresses outlast name servers that do not answer, with a warning", SANE, async () => {
  const { clock, log, state, of } = names();
  state.answer = new Error("no name server answered");
  await assertRejects(() => of("db.example"), Error, "no name server answered");
  state.answer = ["192.0.2.1"];
  await of("db.example");
  state.answer = new Error("no name server answered");
  await clock.advance(7_200_000);
  assertEquals(await of("db.example"), ["192.0.2.1"]);
  assertEquals(log.records.map(({ level, fields }) => [level, fields.name]), [
    ["warn", "db.example"],
  ]);
});

Deno.test("an address is not looked up, and a name without one is not known", SANE, async () => {
  const { state, of } = names();
  assertEquals(await of("192.0.2.9"), ["192.0.2.9"]);
  state.answer = [];
  await assertRejects(() => of("db.example"), Error, "it has no address");
});
