import { inTurns } from "#src/preflight/in_turns.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("inTurns() has no more under way than it may, and keeps the order", UNIT, async () => {
  const underWay: { item: number; finish: () => void }[] = [];
  const results = inTurns([1, 2, 3, 4, 5], {
    atOnce: 2,
    each: (item) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      underWay.push({ item, finish: () => resolve(`did ${item}`) });
      return promise;
    },
  });
  const seen: number[][] = [];
  // The last of them is finished first.
  for (let next = underWay.pop(); next !== undefined; next = underWay.pop()) {
    seen.push([next.item, ...underWay.map(({ item }) => item)]);
    next.finish();
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  assertEquals(seen, [[2, 1], [3, 1], [4, 1], [5, 1], [1]]);
  assertEquals(await results, [1, 2, 3, 4, 5].map((item) => `did ${item}`));
});

Deno.test("inTurns() begins nothing more once something has failed", UNIT, async () => {
  const begun: number[] = [];
  const first = Promise.withResolvers<void>();
  const each = (item: number) => {
    begun.push(item);
    return item === 1 ? first.promise : Promise.reject(new Error("two"));
  };
  await assertRejects(() => inTurns([1, 2, 3, 4], { atOnce: 2, each }), Error, "two");
  first.resolve();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  assertEquals(begun, [1, 2]);
});

Deno.test("inTurns() does nothing for no items, and passes a failure on", UNIT, async () => {
  assertEquals(await inTurns([], { atOnce: 3, each: () => Promise.reject(new Error("x")) }), []);
  const each = (item: number) => item === 2 ? Promise.reject(new Error("two")) : Promise.resolve();
  await assertRejects(() => inTurns([1, 2, 3], { atOnce: 2, each }), Error, "two");
});
