import { MemoryAllocator, PORT_SLOTS, type SlotKind, UID_SLOTS } from "#src/allocator/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

Deno.test(
  "MemoryAllocator touches one slot for one claim, however large the range",
  strict,
  async () => {
    const touched: number[] = [];
    const counting: SlotKind<number> = {
      name: "thing",
      toSlot(value) {
        touched.push(value);
        return value;
      },
    };
    const slots = new MemoryAllocator(counting, { start: 1, end: 2 ** 40 });
    touched.length = 0;
    for (let i = 0; i < 3; i++) await slots.release(await slots.claim());
    assertEquals(touched, [1, 2, 3]);
  },
);

Deno.test(
  "MemoryAllocator does not change with the range object it was made from",
  strict,
  async () => {
    const range = { start: 1000, end: 1000 };
    const slots = new MemoryAllocator(UID_SLOTS, range);
    range.end = 0;
    assertEquals(await slots.claim(), UID_SLOTS.toSlot(1000));
  },
);

Deno.test("MemoryAllocator refuses a range that starts above its end", strict, () => {
  const error = assertThrows(
    () => new MemoryAllocator(PORT_SLOTS, { start: 10_001, end: 10_000 }),
    RangeError,
  );
  assertEquals(
    error.message,
    "cannot use 10001-10000 as a range of ports: want a start at or below the end",
  );
});

Deno.test("MemoryAllocator refuses a range whose ends are no slots", strict, () => {
  for (
    const range of [{ start: 0, end: 5 }, { start: 65_000, end: 65_536 }, { start: 1.5, end: 2 }]
  ) {
    assertThrows(() => new MemoryAllocator(PORT_SLOTS, range), RangeError, "as a port");
  }
});
