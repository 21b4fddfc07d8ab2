/**
 * Finds out whether a host is fit to run workers, and says what to do where it is not.
 *
 * @module
 */
export * from "./check.ts";
export * from "./checks.ts";
export * from "./finding.ts";
export * from "./host.ts";
export { parseRVersion } from "./r_binary.ts";
export * from "./report.ts";
export * from "./runner.ts";
export { configuredServices, lookUpName, type Service } from "./services.ts";
export * from "./table.ts";
