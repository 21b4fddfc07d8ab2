import { AARCH64_CALLS } from "./calls_aarch64.ts";
import { X86_64_CALLS } from "./calls_x86_64.ts";

/** A processor architecture that the built-in policy is compiled for, named as by `uname -m`. */
export type SeccompArch = "x86_64" | "aarch64";

/** Runs of system calls: the number of the first, and the names of all, separated by spaces. */
export type NumberedCalls = readonly (readonly [first: number, names: string])[];

/** What is known of an architecture. */
export interface ArchCalls {
  /** How `struct seccomp_data` names it: AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  /** The number of each call. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** The architectures that the built-in policy is compiled for. */
export const SECCOMP_ARCHS: Readonly<Record<SeccompArch, ArchCalls>> = {
  x86_64: { audit: 0xc000_003e, numbers: numbersOf(X86_64_CALLS) },
  aarch64: { audit: 0xc000_00b7, numbers: numbersOf(AARCH64_CALLS) },
};

/** Their names. */
export const SECCOMP_ARCH_NAMES: readonly string[] = Object.keys(SECCOMP_ARCHS);

/**
 * Tells whether the built-in policy can be compiled for an architecture.
 *
 * @param name Its name, such as that of `Deno.build.arch`.
 * @returns Whether it can.
 */
export function isSeccompArch(name: string): name is SeccompArch {
  return Object.hasOwn(SECCOMP_ARCHS, name);
}

function numbersOf(runs: NumberedCalls): ReadonlyMap<string, number> {
  return new Map(
    runs.flatMap(([first, names]) =>
      names.split(" ").map((name, index): [string, number] => [name, first + index])
    ),
  );
}
