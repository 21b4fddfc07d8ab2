/**
 * What every other room uses: ids, units, errors, time, logging. No input or output.
 *
 * @module
 */
export * from "./address_text.ts";
export * from "./build_info.ts";
export * from "./clock.ts";
export * from "./errors.ts";
export * from "./ids.ts";
export * from "./ip_range.ts";
export * from "./log.ts";
export * from "./mount_target.ts";
export * from "./nearest_name.ts";
export * from "./network_mode.ts";
export * from "./units.ts";
export * from "./worker_bounds.ts";
