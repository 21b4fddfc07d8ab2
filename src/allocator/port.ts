import { ExhaustedError, type Port } from "#src/core/mod.ts";
import type { SlotAllocator } from "./allocator.ts";
import { exhausted } from "./range.ts";

/**
 * Binds a port so that no other program can take it.
 *
 * @param port The port.
 * @returns What lets go of the port when it is disposed of; undefined when another program holds it.
 * @throws {Error} When the port cannot be bound for a reason that is not the port.
 */
export type HoldPort = (port: Port) => Disposable | undefined;

/** A port that is claimed, and bound by this process until {@linkcode HeldPort.unhold}. */
export interface HeldPort {
  /** The port. */
  readonly port: Port;
  /** Lets go of the port so that the app can bind it. The claim stays; a second call does nothing. */
  unhold(): void;
  /**
   * Lets go of the port and gives the slot back. A second call joins the first, and tries again if
   * that failed.
   *
   * @returns A promise that resolves when others can claim the port.
   * @throws {Error} As {@linkcode SlotAllocator.release}.
   */
  release(): Promise<void>;
}

/**
 * Claims a port that no program uses. Ports that a program other than our servers holds are passed
 * over; when the search is over they go back, behind the others.
 *
 * @param allocator Where ports come from.
 * @param hold Binds a candidate.
 * @param options `signal` gives up the search.
 * @returns The port, bound.
 * @throws {ExhaustedError} When no port is left; the message names range and counts.
 * @throws {Error} When the allocator or `hold` fails, or `signal` is aborted; no claim is left then.
 */
export async function claimPort(
  allocator: SlotAllocator<Port>,
  hold: HoldPort,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<HeldPort> {
  const passedOver: Port[] = [];
  let held: HeldPort;
  try {
    held = await search(allocator, hold, passedOver, options.signal);
  } catch (error) {
    const reason = error instanceof ExhaustedError && passedOver.length > 0
      ? await exhaustedWithOthers(allocator, passedOver.length, error)
      : error;
    await putBack(allocator, passedOver, reason);
    throw reason;
  }
  try {
    await putBack(allocator, passedOver);
  } catch (error) {
    await held.release().catch(() => {}); // the allocator already fails; `error` says how
    throw error;
  }
  return held;
}

async function search(
  allocator: SlotAllocator<Port>,
  hold: HoldPort,
  passedOver: Port[],
  signal: AbortSignal | undefined,
): Promise<HeldPort> {
  for (;;) {
    signal?.throwIfAborted();
    const port = await allocator.claim();
    let holder: Disposable | undefined;
    try {
      holder = hold(port);
    } finally {
      if (holder === undefined) passedOver.push(port);
    }
    if (holder !== undefined) return heldPort(allocator, port, holder);
  }
}

function heldPort(allocator: SlotAllocator<Port>, port: Port, holder: Disposable): HeldPort {
  let bound: Disposable | undefined = holder;
  let releasing: Promise<void> | undefined;
  const unhold = () => {
    const once = bound;
    bound = undefined;
    once?.[Symbol.dispose]();
  };
  return {
    port,
    unhold,
    release() {
      unhold();
      releasing ??= allocator.release(port).catch((error) => {
        releasing = undefined;
        throw error;
      });
      return releasing;
    },
  };
}

/** Releases in the order of the claims; tries all, then throws the first failure. */
async function putBack(
  allocator: SlotAllocator<Port>,
  ports: readonly Port[],
  searchError?: unknown,
): Promise<void> {
  const failures: unknown[] = [];
  for (const port of ports) {
    await allocator.release(port).catch((error) => failures.push(error));
  }
  if (failures.length === 0) return;
  const all = searchError === undefined ? failures : [searchError, ...failures];
  throw new AggregateError(
    all,
    `cannot put back ${failures.length} ports that other programs hold`,
    { cause: all[0] },
  );
}

async function exhaustedWithOthers(
  allocator: SlotAllocator<Port>,
  heldByOthers: number,
  cause: ExhaustedError,
): Promise<ExhaustedError> {
  try {
    const inUse = await allocator.inUse() - heldByOthers;
    const error = exhausted(allocator, { inUse, heldByOthers });
    error.cause = cause;
    return error;
  } catch {
    return cause; // without a count the allocator's own message is the best there is
  }
}
