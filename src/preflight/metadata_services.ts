import { METADATA_ADDRESSES } from "#src/firewall/mod.ts";
import type { ProbeTarget } from "#src/probe/mod.ts";

/** Where clouds tell every machine its secrets, as targets; all of them speak HTTP. */
export const METADATA_TARGETS: readonly ProbeTarget[] = METADATA_ADDRESSES.map((hostname) => ({
  kind: "tcp",
  hostname,
  port: 80,
}));

/** How long each may take to answer, in milliseconds; they are never far away. */
export const METADATA_TIMEOUT_MS = 2000;
