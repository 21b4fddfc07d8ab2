import { ConflictError, ExhaustedError, type Uid } from "#src/core/mod.ts";
import {
  type SlotAllocator,
  type SlotKind,
  type SlotRange,
  UID_SLOTS,
} from "#src/allocator/mod.ts";
import { assert, assertEquals, assertMatch, assertRejects } from "#tests/support/assert.ts";

/**
 * Makes an allocator with every slot of its range free, that shares none with another.
 *
 * @param kind What the slots stand for.
 * @param range Where they come from.
 */
export type MakeAllocator = (
  kind: SlotKind<Uid>,
  range: SlotRange,
) => SlotAllocator<Uid> | Promise<SlotAllocator<Uid>>;

const BASE = 1_900_000_000;

/**
 * What every allocator has to do, whatever it keeps its claims in.
 *
 * @param name What the implementation is called, in the names of the tests.
 * @param makeAllocator Makes a fresh one; the suite closes it.
 * @param options `hugeRanges` is false when a range costs something for each slot in it;
 * `closeStore` closes, at the end of each test, what the allocators of the test were kept in;
 * `ignore` skips the tests.
 */
export function allocatorContract(
  name: string,
  makeAllocator: MakeAllocator,
  { hugeRanges = true, closeStore, ignore = false }: {
    hugeRanges?: boolean;
    closeStore?: () => Promise<void>;
    ignore?: boolean;
  } = {},
): void {
  const test = (
    behaviour: string,
    size: number,
    body: (slots: SlotAllocator<Uid>) => Promise<void>,
  ) =>
    Deno.test({
      name: `${name} ${behaviour}`,
      ignore,
      sanitizeOps: true,
      sanitizeResources: true,
      async fn() {
        const range = { start: BASE, end: BASE + size - 1 };
        await using cleanUp = new AsyncDisposableStack();
        cleanUp.defer(async () => await closeStore?.());
        const slots = await makeAllocator(UID_SLOTS, range);
        cleanUp.defer(() => slots.close());
        await body(slots);
      },
    });

  test("tells its kind and range", 7, (slots) => {
    assertEquals(slots.kind, UID_SLOTS);
    assertEquals({ ...slots.range }, { start: BASE, end: BASE + 6 });
    return Promise.resolve();
  });

  test("hands out every slot of its range once, both ends included", 5, async (slots) => {
    const claimed = await claimMany(slots, 5);
    assertEquals(claimed.toSorted(), [BASE, BASE + 1, BASE + 2, BASE + 3, BASE + 4]);
    assertEquals(await slots.inUse(), 5);
  });

  test("never hands out a slot twice to 1000 claims at once", 1000, async (slots) => {
    const claimed = await Promise.all(Array.from({ length: 1000 }, () => slots.claim()));
    assertEquals(new Set(claimed).size, 1000);
    assertEquals(await slots.inUse(), 1000);
    await Promise.all(claimed.map((slot) => slots.release(slot)));
    assertEquals(await slots.inUse(), 0);
  });

  test("never hands out a slot that is held while 1000 claim and release", 20, async (slots) => {
    const held = new Set<Uid>();
    let claims = 0;
    const user = async () => {
      const slot = await slots.claim().catch((error) => {
        assert(error instanceof ExhaustedError, String(error));
      });
      if (slot === undefined) return;
      claims++;
      assert(!held.has(slot), `slot ${slot} was handed out twice`);
      held.add(slot);
      await Promise.resolve();
      held.delete(slot);
      await slots.release(slot);
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, user));
    }
    assert(claims >= 200, `each round has 20 slots at least: ${claims} claims`);
    assertEquals(await slots.inUse(), 0);
  });

  test("says kind, range and counts when no slot is left, and recovers", 2, async (slots) => {
    const [first] = await claimMany(slots, 2);
    const error = await assertRejects(() => slots.claim(), ExhaustedError);
    assertEquals(
      error.message,
      `cannot claim a uid from ${BASE}-${BASE + 1}: 2 of 2 are in use`,
    );
    assert(first !== undefined);
    await slots.release(first);
    assertEquals(await slots.claim(), first);
  });

  test("hands out a freed slot after all others", 4, async (slots) => {
    const first = await slots.claim();
    await slots.release(first);
    const others = await claimMany(slots, 3);
    assert(!others.includes(first), `${first} came back before ${others}`);
    assertEquals(await slots.claim(), first);
  });

  test("hands out freed slots in the order in which they were freed", 4, async (slots) => {
    const [a, b, c, d] = await claimMany(slots, 4);
    assert(a !== undefined && b !== undefined && c !== undefined && d !== undefined);
    for (const slot of [c, a, d, b]) await slots.release(slot);
    assertEquals(await claimMany(slots, 2), [c, a]);
    await slots.release(a);
    assertEquals(await claimMany(slots, 3), [d, b, a]);
  });

  test("refuses a second release, and the slot stays free once", 2, async (slots) => {
    const slot = await slots.claim();
    await slots.release(slot);
    const error = await assertRejects(() => slots.release(slot), ConflictError);
    assertEquals(error.message, `cannot release uid ${slot}: want one that this server holds`);
    assertEquals(new Set(await claimMany(slots, 2)).size, 2);
    await assertRejects(() => slots.claim(), ExhaustedError);
  });

  test("refuses to release what was never claimed", 3, async (slots) => {
    const slot = await slots.claim();
    for (const foreign of [BASE - 1, BASE + 3, slot === BASE ? BASE + 1 : BASE]) {
      await assertRejects(() => slots.release(UID_SLOTS.toSlot(foreign)), ConflictError);
    }
    assertEquals(await slots.inUse(), 1);
    await claimMany(slots, 2);
    await assertRejects(() => slots.claim(), ExhaustedError);
  });

  if (hugeRanges) {
    test(
      "serves a range of two thousand million slots like a small one",
      2 ** 31,
      async (slots) => {
        const claimed = await claimMany(slots, 3);
        assertEquals(new Set(claimed).size, 3);
        for (const slot of claimed) await slots.release(slot);
        assertEquals(await slots.inUse(), 0);
        assert(!claimed.includes(await slots.claim()), "a freed slot came back first");
      },
    );
  }

  test("leaves live claims alone when it looks for orphans", 3, async (slots) => {
    await claimMany(slots, 2);
    assertEquals(await slots.reclaimOrphans(), 0);
    assertEquals(await slots.inUse(), 2);
  });

  test("refuses everything once it is closed, except closing", 3, async (slots) => {
    const slot = await slots.claim();
    await slots.close();
    await slots.close();
    for (
      const call of [
        () => slots.claim(),
        () => slots.release(slot),
        () => slots.inUse(),
        () => slots.reclaimOrphans(),
      ]
    ) {
      const error = await assertRejects(call, Error);
      assertMatch(error.message, /^cannot .*: the allocator is closed$/);
    }
  });
}

async function claimMany(slots: SlotAllocator<Uid>, count: number): Promise<Uid[]> {
  const claimed: Uid[] = [];
  while (claimed.length < count) claimed.push(await slots.claim());
  return claimed;
}
