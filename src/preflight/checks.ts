import type { Check } from "./check.ts";
import { cloudMetadata } from "./cloud_metadata.ts";
import { redisAuth } from "./redis_auth.ts";
import { workerEgress } from "./worker_egress.ts";

/** Every check, in the order of the report: what the others rest on comes first. */
export const CHECKS: readonly Check[] = [
  cloudMetadata,
  workerEgress,
  redisAuth,
];
