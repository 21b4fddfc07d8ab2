/**
 * What a host is given for a server to run on it: texts for systemd and AppArmor, made from data.
 *
 * @module
 */
export { commentLines } from "./comment.ts";
export { type ApparmorAbi, apparmorProfile, type ProfileSpec } from "./apparmor_profile.ts";
export { type HostPaths, hostPaths } from "./host_paths.ts";
export { systemdUnit, type UnitSpec } from "./systemd_unit.ts";
