/**
 * Does something for many items, only some of them at one time.
 *
 * @param items What is to be done.
 * @param options `atOnce` is for how many at one time, 1 or more; `each` does it.
 * @returns What came of each, in the order of the items.
 * @throws {Error} What `each` throws first; nothing more is begun then.
 */
export async function inTurns<Item, Result>(
  items: readonly Item[],
  { atOnce, each }: { atOnce: number; each: (item: Item) => Promise<Result> },
): Promise<Result[]> {
  const results: Result[] = [];
  // Everybody takes the next one from the same queue.
  const queue = items.entries();
  let hasFailed = false;
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (const [index, item] of queue) {
      if (hasFailed) return;
      try {
        results[index] = await each(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  }));
  return results;
}
