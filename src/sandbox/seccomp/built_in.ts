import { isSeccompArch, SECCOMP_ARCH_NAMES, type SeccompArch } from "./call_numbers.ts";
import { compilePolicy } from "./compile.ts";
import { INSTRUCTION_BYTES, readSeccompFilter, type SeccompFilter } from "./filter.ts";
import { POLICY } from "./policy/mod.ts";

/** Where the filter of workers comes from. */
export type SeccompSource =
  /** The policy that is built in. */
  | { readonly kind: "default" }
  /** A compiled filter, by its absolute path. */
  | { readonly kind: "file"; readonly path: string };

/**
 * Compiles the built-in policy.
 *
 * @param arch The architecture that the filter is for.
 * @returns The program, as the kernel and bwrap take it.
 */
export function builtInProgram(arch: SeccompArch): Uint8Array<ArrayBuffer> {
  return compilePolicy(POLICY, arch);
}

/**
 * Gets the filter of workers.
 *
 * @param source Where it comes from.
 * @param options `uid` is who this process runs as; `arch` is what it runs on, that of this process
 * if not given.
 * @returns The filter.
 * @throws {Error} When the built-in policy knows nothing of this architecture, or as
 * {@linkcode readSeccompFilter}.
 */
export async function openSeccompFilter(
  source: SeccompSource,
  { uid, arch = Deno.build.arch }: { uid: number; arch?: string },
): Promise<SeccompFilter> {
  if (source.kind === "file") return await readSeccompFilter(source.path, { uid });
  if (!isSeccompArch(arch)) {
    const known = SECCOMP_ARCH_NAMES.join(" and ");
    throw new Error(
      `there is no built-in system call policy for ${arch}, only for ${known}: set ` +
        "process.seccomp_profile to the path of a compiled filter, or to none",
    );
  }
  const program = builtInProgram(arch);
  return { instructions: program.length / INSTRUCTION_BYTES, base64: program.toBase64() };
}
