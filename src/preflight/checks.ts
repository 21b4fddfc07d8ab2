import { abstractSockets } from "./abstract_sockets.ts";
import { bwrapAvailable } from "./bwrap_available.ts";
import { bwrapHostUidMapping } from "./bwrap_host_uid_mapping.ts";
import { cgroupDelegation } from "./cgroup_delegation.ts";
import type { Check } from "./check.ts";
import { cloudMetadata } from "./cloud_metadata.ts";
import { configSecurity } from "./config_security.ts";
import { fdLimit } from "./fd_limit.ts";
import { networkNone } from "./network_none.ts";
import { portRange } from "./port_range.ts";
import { rBinary } from "./r_binary.ts";
import { redisAuth } from "./redis_auth.ts";
import { resourceLimits } from "./resource_limits.ts";
import { rigVersions } from "./rig_versions.ts";
import { sandboxSmoke } from "./sandbox_smoke.ts";
import { seccompProfile } from "./seccomp_profile.ts";
import { shinyPackage } from "./shiny_package.ts";
import { uidRange } from "./uid_range.ts";
import { userNamespaces } from "./user_namespaces.ts";
import { workerEgress } from "./worker_egress.ts";

/** Every check, in the order of the report: what the others rest on comes first. */
export const CHECKS: readonly Check[] = [
  bwrapAvailable,
  userNamespaces,
  sandboxSmoke,
  bwrapHostUidMapping,
  seccompProfile,
  rBinary,
  rigVersions,
  shinyPackage,
  uidRange,
  portRange,
  fdLimit,
  cgroupDelegation,
  resourceLimits,
  networkNone,
  cloudMetadata,
  workerEgress,
  abstractSockets,
  redisAuth,
  configSecurity,
];
