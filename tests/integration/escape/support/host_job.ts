import type { Outcome } from "./outcome.ts";

/** The networks that workers can have. */
export type Network = "host" | "none";

/** What a server's part of the test is told. */
export interface HostJob {
  /** Its files. */
  readonly path: string;
  /** What the probes are told of them. */
  readonly targets: Readonly<Record<string, string>>;
  /** The first of its workers' uids and the last, if it is root. */
  readonly uids: readonly [number, number];
  /** The networks to try from. */
  readonly networks: readonly Network[];
  /** Whether to try without a sandbox as well, which no root may. */
  readonly withoutSandbox: boolean;
}

/** What it answers: what came of all attempts, by the network or `outside` of any sandbox. */
export type HostAnswer = Readonly<Partial<Record<Network | "outside", readonly Outcome[]>>>;
