import {
  ConflictError,
  errorMessage,
  ExhaustedError,
  StoreUnavailableError,
  type Uid,
} from "#src/core/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { until } from "#tests/support/until.ts";
import { claimMany, type HostTest } from "./support/shared_host.ts";

/**
 * What every allocator has to do when the store that it shares with others is away for a while.
 *
 * @param test Registers a test, with a deadline of 1 s for the calls that go through the proxy.
 */
export function outageTests(
  test: HostTest,
  { countsInOutages }: { countsInOutages: boolean },
): void {
  test("fails in time, with store and place, when there is no answer", async (host) => {
    const slots = await host.open("a", 3);
    await slots.claim();
    host.proxy.hold("requests");
    const failures = await Promise.all([
      assertRejects(() => slots.claim(), StoreUnavailableError),
      assertRejects(() => slots.reclaimOrphans(), StoreUnavailableError),
      ...(countsInOutages ? [] : [assertRejects(() => slots.inUse(), StoreUnavailableError)]),
    ]);
    if (countsInOutages) assertEquals(await slots.inUse(), 1);
    for (const error of failures) {
      assertMatch(error.message, /^cannot .+: \w+ at (?:127\.0\.0\.1:\d+|\/\S+) .+/i);
    }
    assertMatch(failures[0].message, /^cannot claim a uid: .+ did not answer within 1 s$/);
    host.proxy.flow();
    await host.untilInUse(1, "a lost claim is given back");
    assertEquals(new Set(await claimMany(slots, 2)).size, 2);
  });

  test("fails, and works again by itself, when connections are refused", async (host) => {
    const slots = await host.open("a", 3);
    const held = await slots.claim();
    host.proxy.refuse();
    for (let tries = 0; tries < 3; tries++) {
      await assertRejects(() => slots.claim(), StoreUnavailableError);
    }
    host.proxy.flow();
    await until(() => slots.claim().then(() => true, () => false), { what: "claims work again" });
    await slots.release(held);
    await host.untilInUse(1, "nothing is lost");
  });

  test("works again on new connections when the old ones stay silent", async (host) => {
    const slots = await host.open("a", 3);
    await slots.claim();
    host.proxy.strand();
    await assertRejects(() => slots.claim(), StoreUnavailableError);
    await until(() => slots.claim().then(() => true, () => false), { what: "claims work again" });
    await host.untilInUse(2, "nothing is lost");
  });

  test("gives back a claim whose answer was lost", async (host) => {
    const slots = await host.open("a", 3);
    await slots.inUse();
    host.proxy.hold("replies");
    await assertRejects(() => slots.claim(), StoreUnavailableError);
    host.proxy.cut();
    host.proxy.flow();
    await host.untilInUse(0, "the lost claim is given back");
    assertEquals(new Set(await claimMany(slots, 3)).size, 3);
  });

  test("gives back a claim whose answer comes too late", async (host) => {
    const slots = await host.open("a", 3);
    host.proxy.hold("replies");
    await assertRejects(() => slots.claim(), StoreUnavailableError);
    host.proxy.flow();
    await host.untilInUse(0, "the late claim is given back");
  });

  test("keeps claims unique and loses none when connections break all the time", async (host) => {
    const slots = await host.open("a", 20);
    const held = new Set<Uid>();
    const user = async () => {
      for (let round = 0; round < 20; round++) {
        let slot: Uid;
        try {
          slot = await slots.claim();
        } catch (error) {
          const isExpected = error instanceof StoreUnavailableError ||
            error instanceof ExhaustedError;
          assert(isExpected, errorMessage(error));
          await new Promise((resolve) => setTimeout(resolve, 5));
          continue;
        }
        assert(!held.has(slot), `${slot} was handed out twice`);
        held.add(slot);
        await new Promise((resolve) => setTimeout(resolve, 1));
        held.delete(slot);
        await slots.release(slot);
      }
    };
    let isDone = false;
    const users = Promise.all(Array.from({ length: 10 }, user)).finally(() => isDone = true);
    while (!isDone) {
      await new Promise((resolve) => setTimeout(resolve, 15));
      host.proxy.cut();
    }
    await users;
    await host.untilInUse(0, "everything is given back");
  });

  test("keeps a slot claimed until the store has taken its release", async (host) => {
    const slots = await host.open("a", 1);
    const other = await host.open("b", 1, { direct: true });
    const slot = await slots.claim();
    host.proxy.refuse();
    await slots.release(slot);
    await assertRejects(() => slots.release(slot), ConflictError);
    await assertRejects(() => other.claim(), ExhaustedError);
    host.proxy.flow();
    await host.untilInUse(0, "the release arrives");
    assertEquals(await other.claim(), slot);
  });

  test("leaves a slot to its new owner when a release is repeated", async (host) => {
    const slots = await host.open("a", 1);
    const other = await host.open("b", 1, { direct: true });
    // The first release may take more than one round trip.
    await slots.release(await slots.claim());
    const slot = await slots.claim();
    host.proxy.hold("replies");
    await slots.release(slot);
    assertEquals(await other.claim(), slot);
    host.proxy.flow();
    await until(() => slots.inUse().then(() => true, () => false), { what: "the store is back" });
    await slots.close();
    assertEquals(await other.inUse(), 1);
    await other.release(slot);
  });

  test("brings a release to the store when it is closed soon after an outage", async (host) => {
    const slots = await host.open("a", 1);
    const slot = await slots.claim();
    host.proxy.hold("requests");
    await slots.release(slot);
    host.proxy.flow();
    await slots.close();
    await host.untilInUse(0, "the slot is free");
  });

  test("closes during an outage", async (host) => {
    const slots = await host.open("a", 2);
    const slot = await slots.claim();
    host.proxy.refuse();
    await slots.release(slot);
    await assertRejects(() => slots.claim(), StoreUnavailableError);
    await slots.close();
    assertEquals(await host.inUse(), 1);
  });
}
