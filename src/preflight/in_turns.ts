/**
 * Does something for many items, only some of them at one time.
 *
 * @param items What is to be done.
 * @param options `atOnce` is for how many at one time, 1 or more; `each` does it.
 * @returns What came of each, in the order of the items.
 * @throws {Error} What `each` throws first.
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  { atOnce, each }: { atOnce: number; each: (item: Item) => Promise<Result> },
): Promise<Result[]> {
  const results: Result[] = [];
  // Everybody takes the next one from the same queue.
  const queue = items.entries();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const [index, item] of queue) results[index] = await each(item);
  }));
  return results;
}
