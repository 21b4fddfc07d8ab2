/**
 * Which versions of R are installed on this host, and which one serves a request.
 *
 * @module
 */
export { checkRVersion } from "./check.ts";
export { installedRVersions, versionEntries, type VersionEntry } from "./installed.ts";
export { type ResolvedR, resolveRBinary } from "./resolve.ts";
export { inspectRInstallation, type RInstallation } from "./r_installation.ts";
export { type RVersion } from "./version.ts";
