import { ConflictError, ExhaustedError } from "#src/core/mod.ts";
import { UID_SLOTS } from "#src/allocator/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";
import { outageTests } from "./outage_suite.ts";
import {
  BASE,
  claimAll,
  claimMany,
  Host,
  type HostTest,
  type SharedStore,
} from "./support/shared_host.ts";

export type { OpenOptions, SharedStore } from "./support/shared_host.ts";

/** What calls get where some are not answered, in milliseconds. */
const OUTAGE_MS = 1000;

/**
 * What every allocator has to do whose claims are kept where other servers see them.
 *
 * @param name What the implementation is called, in the names of the tests.
 * @param makeStore Makes a fresh store.
 * @param options `ignore` skips the tests; `countsInOutages` is true when claims are counted elsewhere
 * than behind the proxy.
 */
export function sharedAllocatorContract(
  name: string,
  makeStore: () => Promise<SharedStore>,
  { ignore = false, countsInOutages = false }: { ignore?: boolean; countsInOutages?: boolean } = {},
): void {
  const testWith = (deadlineMs?: number): HostTest => (behaviour, body) =>
    Deno.test({
      name: `${name} ${behaviour}`,
      ignore,
      sanitizeOps: true,
      sanitizeResources: true,
      async fn() {
        await using store = await makeStore();
        await body(new Host(store, deadlineMs));
      },
    });

  ownershipTests(testWith());
  rangeTests(testWith());
  outageTests(testWith(OUTAGE_MS), { countsInOutages });
}

function ownershipTests(test: HostTest): void {
  test("gives two servers of a host different slots", async (host) => {
    const [a, b] = [await host.open("a", 40), await host.open("b", 40)];
    const claimed = await Promise.all(
      Array.from({ length: 40 }, (_, at) => (at % 2 ? a : b).claim()),
    );
    assertEquals(new Set(claimed).size, 40);
    assertEquals([await a.inUse(), await b.inUse()], [40, 40]);
    const error = await assertRejects(() => b.claim(), ExhaustedError);
    assertEquals(
      error.message,
      `cannot claim a uid from ${BASE}-${BASE + 39}: 40 of 40 are in use`,
    );
  });

  test("gives another host the same slots", async (host) => {
    const [a, b] = [await host.open("a", 3), await host.open("b", 3, { hostId: "host-2" })];
    assertEquals((await claimMany(a, 3)).sort(), (await claimMany(b, 3)).sort());
    assertEquals([await a.inUse(), await b.inUse()], [3, 3]);
  });

  test("hands a slot freed by one server to the other after all others", async (host) => {
    const [a, b] = [await host.open("a", 5), await host.open("b", 5)];
    const first = await a.claim();
    await a.release(first);
    const others = await claimMany(b, 4);
    assert(!others.includes(first), `${first} came back before ${others}`);
    assertEquals(await b.claim(), first);
  });

  test("refuses to release what another server holds", async (host) => {
    const [a, b] = [await host.open("a", 2), await host.open("b", 2)];
    const slot = await a.claim();
    await assertRejects(() => b.release(slot), ConflictError);
    assertEquals(await a.inUse(), 1);
    await b.claim();
    await assertRejects(() => b.claim(), ExhaustedError);
    await a.release(slot);
    assertEquals(await b.claim(), slot);
  });

  test("takes back what dead servers hold, and nothing that lives", async (host) => {
    const [dead, living] = [await host.open("dead", 6), await host.open("living", 6)];
    const [gone, kept] = [await claimMany(dead, 3), await claimMany(living, 2)];
    const caller = await host.open("caller", 6);
    const own = await caller.claim();
    const judged: string[] = [];
    host.isLive = ({ serverId, pid, startedAt }) => {
      judged.push(`${serverId} ${pid} ${startedAt}`);
      return Promise.resolve(serverId !== "server-dead");
    };
    assertEquals(await caller.reclaimOrphans(), 3);
    assertEquals(judged.sort(), ["server-dead 4711 boot:17", "server-living 4711 boot:17"]);
    assertEquals(await caller.reclaimOrphans(), 0);
    assertEquals(await caller.inUse(), 3);
    assertEquals((await claimMany(caller, 3)).sort(), gone.sort());
    for (const slot of kept) await living.release(slot);
    await caller.release(own);
  });

  test("leaves the claims of another host alone, live or dead", async (host) => {
    const other = await host.open("other", 3, { hostId: "host-2" });
    await claimMany(other, 2);
    const caller = await host.open("caller", 3);
    host.isLive = () => Promise.resolve(false);
    assertEquals(await caller.reclaimOrphans(), 0);
    assertEquals(await other.inUse(), 2);
  });

  test("takes each orphan back once when two servers look for them", async (host) => {
    const dead = await host.open("dead", 30);
    await claimMany(dead, 30);
    const [a, b] = [await host.open("a", 30), await host.open("b", 30)];
    host.isLive = ({ serverId }) => Promise.resolve(serverId !== "server-dead");
    const freed = await Promise.all([a.reclaimOrphans(), b.reclaimOrphans()]);
    assertEquals(freed[0] + freed[1], 30);
    assertEquals(await a.inUse(), 0);
  });

  test("leaves an orphan alone that got a new owner while it was judged", async (host) => {
    const dead = await host.open("dead", 1);
    const slot = await dead.claim();
    const [slow, quick] = [await host.open("slow", 1), await host.open("quick", 1)];
    const [asked, verdict] = [Promise.withResolvers<void>(), Promise.withResolvers<boolean>()];
    host.isLive = () => {
      asked.resolve();
      return verdict.promise;
    };
    const reclaiming = slow.reclaimOrphans();
    await asked.promise;
    host.isLive = () => Promise.resolve(false);
    assertEquals(await quick.reclaimOrphans(), 1);
    assertEquals(await quick.claim(), slot);
    verdict.resolve(false);
    assertEquals(await reclaiming, 0);
    assertEquals(await quick.inUse(), 1);
    await quick.release(slot);
  });
}

function rangeTests(test: HostTest): void {
  test("leaves claims outside a smaller range with their owner", async (host) => {
    const large = await host.open("large", 6);
    const slots = await claimMany(large, 6);
    const small = await host.open("small", 2);
    assertEquals(await small.inUse(), 2);
    await assertRejects(() => small.claim(), ExhaustedError);
    for (const slot of slots.filter((slot) => slot > BASE + 1)) await large.release(slot);
    await assertRejects(() => small.claim(), ExhaustedError);
    await large.release(UID_SLOTS.toSlot(BASE + 1));
    assertEquals(await small.claim(), BASE + 1);
    assertEquals(await large.inUse(), 2);
  });

  test("passes over claims of a smaller range in a larger one", async (host) => {
    const small = await host.open("small", 3);
    const held = await claimMany(small, 3);
    const large = await host.open("large", 8);
    const others = await claimMany(large, 5);
    assertEquals(new Set([...held, ...others]).size, 8);
    const error = await assertRejects(() => large.claim(), ExhaustedError);
    assertMatch(error.message, /8 of 8 are in use$/);
    for (const slot of held) await small.release(slot);
    assertEquals((await claimMany(large, 3)).sort(), held.sort());
  });

  test("takes back what a dead server held in another range", async (host) => {
    const dead = await host.open("dead", 4);
    await claimMany(dead, 4);
    const caller = await host.open("caller", 4, { start: BASE + 100 });
    await claimMany(caller, 2);
    host.isLive = ({ serverId }) => Promise.resolve(serverId !== "server-dead");
    assertEquals(await caller.reclaimOrphans(), 4);
    assertEquals(await dead.inUse(), 0);
    assertEquals(await caller.inUse(), 2);
  });

  test("shares the slots that two ranges have in common", async (host) => {
    const low = await host.open("low", 6);
    const high = await host.open("high", 6, { start: BASE + 3 });
    const claimed = await Promise.all([claimMany(low, 3), claimMany(high, 4)]);
    assertEquals(new Set(claimed.flat()).size, 7);
    for (let round = 0; round < 20; round++) {
      for (const [at, slots] of [low, high].entries()) {
        const slot = claimed[at]?.shift();
        assert(slot !== undefined);
        await slots.release(slot);
        claimed[at]?.push(await slots.claim());
        assertEquals(new Set(claimed.flat()).size, 7);
      }
    }
    assertEquals((await claimAll(low)).length + (await claimAll(high)).length, 2);
    assertEquals([await low.inUse(), await high.inUse()], [6, 6]);
  });
}
