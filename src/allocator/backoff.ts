/** The first pause, in milliseconds. */
const FIRST_MS = 100;
/** No pause is longer, in milliseconds. */
const LONGEST_MS = 5000;

/**
 * Says how long to wait before a store is tried again: twice as long each time, up to 5 s, and a
 * different time for each server, so that they do not all come back at the same moment.
 *
 * @param failures How often it has failed in a row, 1 or more.
 * @param random A number from 0 to 1, 1 excluded.
 * @returns The pause in milliseconds, 50 to 5000.
 */
export function backoffMs(failures: number, random: number = Math.random()): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return full / 2 + full / 2 * random;
}
