import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import type { ArgumentTest, CallGroup } from "#src/sandbox/seccomp/policy/mod.ts";
import type { SeccompData } from "#tests/support/classic_bpf.ts";
import type { Outcome } from "#tests/support/seccomp_verdicts.ts";

/** Actions, linux/seccomp.h, and errors, errno(3), as a filter answers with them. */
const OUTCOMES = new Map<number, Outcome>([
  [0x7fff_0000, "ALLOW"],
  [0x8000_0000, "KILL"],
  [0x0005_0000 + 1, "EPERM"],
  [0x0005_0000 + 38, "ENOSYS"],
  [0x0005_0000 + 92, "ENOPROTOOPT"],
  [0x0005_0000 + 95, "EOPNOTSUPP"],
  [0x0005_0000 + 97, "EAFNOSUPPORT"],
]);

/**
 * Puts the answer of a filter into words.
 *
 * @param answer What it returned.
 * @returns The outcome.
 */
export function outcomeOf(answer: number): Outcome {
  return OUTCOMES.get(answer) ?? `0x${answer.toString(16)}`;
}

/**
 * Makes a judge that reads the policy as its words say, and knows nothing of how it is compiled.
 *
 * @param policy The policy.
 * @param arch The architecture.
 * @returns What becomes of a call.
 */
export function judgeBy(
  policy: readonly CallGroup[],
  arch: SeccompArch,
): (data: SeccompData) => Outcome {
  const { audit, numbers } = SECCOMP_ARCHS[arch];
  const names = new Map(Array.from(numbers, ([name, number]) => [number, name]));
  return (data) => {
    if (data.arch !== audit) return "KILL";
    const name = names.get(data.number);
    const group = policy.find(({ calls }) => name !== undefined && calls.includes(name));
    if (group === undefined) return "ENOSYS";
    const { verdict } = group;
    if (verdict.kind === "allow") return "ALLOW";
    if (verdict.kind === "refuse") return verdict.errno;
    return verdict.cases.some((tests) => tests.every((test) => passes(test, data.args)))
      ? "ALLOW"
      : verdict.errno;
  };
}

function passes(test: ArgumentTest, args: readonly bigint[]): boolean {
  const mask = BigInt(test.mask ?? 0xffff_ffff);
  const seen = BigInt.asUintN(32, args[test.index] ?? 0n) & mask;
  if ("without" in test) {
    return Object.values(test.without).every((bit) => (seen & BigInt(bit)) === 0n);
  }
  if ("oneOf" in test) return Object.values(test.oneOf).some((value) => seen === BigInt(value));
  return Object.values(test.noneOf).every((value) => seen !== BigInt(value));
}
