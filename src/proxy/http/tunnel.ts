import type { Wire } from "./wire.ts";

/**
 * Joins two wires until both directions have ended: what comes on one goes out on the other, as
 * fast as the slower of the two takes it. Bytes that were read before are sent first. The end of one
 * direction is passed on; a broken side closes the other.
 *
 * @param client One side.
 * @param upstream The other side.
 * @param options `halfClosedMs` is how long one direction may be silent after the other has ended.
 * @returns A promise that resolves when both wires are closed; it never rejects.
 */
export async function tunnel(
  client: Wire,
  upstream: Wire,
  { halfClosedMs }: { halfClosedMs: number },
): Promise<void> {
  // A peer that vanished without a word would otherwise hold its worker for good.
  for (const { conn } of [client, upstream]) conn.setKeepAlive?.(true);
  await Promise.all([
    pass(client, upstream, { halfClosedMs }),
    pass(upstream, client, { halfClosedMs }),
  ]);
  client.close();
  upstream.close();
}

async function pass(
  from: Wire,
  to: Wire,
  { halfClosedMs }: { halfClosedMs: number },
): Promise<void> {
  try {
    for (;;) {
      if (from.buffered > 0) {
        const bytes = from.buffer.subarray(from.start, from.end);
        from.start = from.end;
        await to.write(bytes);
        continue;
      }
      if (to.ended) from.readBy = from.deadlines.after(halfClosedMs);
      if (!(await from.fill())) break;
    }
    if (from.failure !== undefined) throw from.failure;
    await to.closeWrite();
    to.readBy = to.deadlines.after(halfClosedMs);
  } catch {
    from.close();
    to.close();
  }
}
