/**
 * Waits for a value, but not for ever.
 *
 * @param timeoutMs How long to wait, in milliseconds.
 * @param value The value.
 * @returns The value; undefined when it did not come in time.
 */
export async function within<T>(timeoutMs: number, value: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), timeoutMs);
  return await Promise.race([value, late.promise]).finally(() => clearTimeout(timer));
}
