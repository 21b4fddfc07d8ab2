/**
 * What system calls workers may make: the built-in policy, what it is compiled to, and filters from
 * elsewhere.
 *
 * @module
 */
export * from "./built_in.ts";
export { isSeccompArch, SECCOMP_ARCH_NAMES, type SeccompArch } from "./call_numbers.ts";
export { type CallExplanation, explainCall, KNOWN_CALLS } from "./explain.ts";
export * from "./filter.ts";
