import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import { compilePolicy } from "#src/sandbox/seccomp/compile.ts";
import type { CallGroup } from "#src/sandbox/seccomp/policy/mod.ts";
import { instructionsOf, runProgram } from "#tests/support/classic_bpf.ts";
import { EXPECTATIONS } from "#tests/support/seccomp_verdicts.ts";
import { outcomeOf } from "./evaluate.ts";

/** The result: how many calls were looked at, and those of which something else becomes. */
export interface Broken {
  /** How many calls with arguments were looked at. */
  readonly looks: number;
  /** One line for each that is not as expected. */
  readonly broken: readonly string[];
}

/**
 * Compiles a policy and holds the filter against what is expected of it.
 *
 * @param policy The policy.
 * @param arch The architecture.
 * @returns What is not as expected.
 */
export function brokenExpectations(policy: readonly CallGroup[], arch: SeccompArch): Broken {
  const { audit, numbers } = SECCOMP_ARCHS[arch];
  const program = instructionsOf(compilePolicy(policy, arch));
  const broken: string[] = [];
  let looks = 0;
  for (const [outcome, calls, ...given] of EXPECTATIONS) {
    for (const call of calls.split(" ")) {
      const number = numbers.get(call);
      if (number === undefined) continue;
      for (const args of given.length === 0 ? [[]] : given) {
        looks++;
        const data = { number, arch: audit, args: args.map(BigInt) };
        const found = outcomeOf(runProgram(program, data));
        if (found !== outcome) broken.push(`${call}(${args.join(", ")}): ${found}, not ${outcome}`);
      }
    }
  }
  return { looks, broken };
}
