import { METADATA_ADDRESSES } from "#src/firewall/mod.ts";
import type { ProbeTarget } from "#src/probe/mod.ts";

/** Azure's wire server has a second door, for the host's agent. */
const MORE_PORTS: Readonly<Record<string, readonly number[]>> = { "168.63.129.16": [32526] };

/** Where clouds tell every machine its secrets, as targets; all of them speak HTTP. */
export const METADATA_TARGETS: readonly ProbeTarget[] = METADATA_ADDRESSES.flatMap((hostname) =>
  [80, ...MORE_PORTS[hostname] ?? []].map((port) => ({ kind: "tcp", hostname, port }))
);

/** How long each may take to answer, in milliseconds; they are never far away. */
export const METADATA_TIMEOUT_MS = 2000;
