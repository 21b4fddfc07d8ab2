import type { Clock } from "#src/core/mod.ts";
import { procRoot, readIfThere } from "./read.ts";
import type { ProcOptions } from "./read.ts";

/** The kernel's lists of TCP sockets in this process's network namespace, as text. */
export interface SocketTables {
  /** `/proc/net/tcp`. */
  readonly v4: string;
  /** `/proc/net/tcp6`; empty on a host without IPv6. */
  readonly v6: string;
}

/** How long a reading waits for others that want the same, in milliseconds. */
const GATHER_MS = 2;

/**
 * Reads the tables once. The kernel walks through all connections of the host for this: some
 * milliseconds of CPU time, even on an idle machine.
 *
 * @param options `proc` is the root of the procfs.
 * @returns The tables.
 * @throws {Error} When that of IPv4 cannot be read.
 */
export async function readSocketTables(options: ProcOptions = {}): Promise<SocketTables> {
  const root = procRoot(options);
  const [v4, v6] = await Promise.all([
    readIfThere(`${root}/net/tcp`),
    readIfThere(`${root}/net/tcp6`),
  ]);
  if (v4 === undefined) throw new Error(`cannot read ${root}/net/tcp: want a mounted procfs`);
  return { v4, v6: v6 ?? "" };
}

/** Lets those who look at the same moment share one reading, as health checks of all workers do. */
export class SharedSocketTables {
  readonly #clock: Pick<Clock, "sleep">;
  readonly #options: ProcOptions;
  #gathering: Promise<SocketTables> | undefined;

  /**
   * Reads nothing yet.
   *
   * @param options `proc` is the root of the procfs; `clock` lets a moment pass for others.
   */
  constructor(options: ProcOptions & { readonly clock: Pick<Clock, "sleep"> }) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /**
   * Reads the tables, never from before the call.
   *
   * @returns The tables, as they were within some milliseconds after the call.
   * @throws {Error} As {@linkcode readSocketTables}.
   */
  read(): Promise<SocketTables> {
    this.#gathering ??= this.#clock.sleep(GATHER_MS).then(() => {
      this.#gathering = undefined;
      return readSocketTables(this.#options);
    });
    return this.#gathering;
  }
}
