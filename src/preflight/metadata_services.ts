import type { ProbeTarget } from "#src/probe/mod.ts";

/**
 * Where clouds tell every machine its secrets, from their documentation of today: 169.254.169.254
 * of AWS, Google Cloud, Azure, OpenStack, Oracle, DigitalOcean and Hetzner; fd00:ec2::254 of AWS over
 * IPv6; 100.100.100.200 of Alibaba; 168.63.129.16, the wire server of Azure; 169.254.170.2 of tasks
 * of AWS ECS; 169.254.170.23 of pods of AWS EKS.
 */
export const METADATA_ADDRESSES: readonly string[] = [
  "169.254.169.254",
  "fd00:ec2::254",
  "100.100.100.200",
  "168.63.129.16",
  "169.254.170.2",
  "169.254.170.23",
];

/** The same as targets; all of them speak HTTP. */
export const METADATA_TARGETS: readonly ProbeTarget[] = METADATA_ADDRESSES.map((hostname) => ({
  kind: "tcp",
  hostname,
  port: 80,
}));

/** How long each may take to answer, in milliseconds; they are never far away. */
export const METADATA_TIMEOUT_MS = 2000;
