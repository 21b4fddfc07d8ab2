import { SECCOMP_ARCHS, type SeccompArch } from "./call_numbers.ts";
import {
  type ArgumentCase,
  type ArgumentTest,
  type NamedValues,
  POLICY,
  type RefusalErrno,
  type Verdict,
} from "./policy/mod.ts";

/** What the built-in policy does with a call. */
export interface CallExplanation {
  /** The call's name. */
  readonly call: string;
  /** The architecture that is spoken of. */
  readonly arch: SeccompArch;
  /** Its number there; undefined when the architecture has no such call. */
  readonly number: number | undefined;
  /** Whether it is allowed, refused, allowed under conditions, or no call of the architecture. */
  readonly verdict: "allowed" | "refused" | "conditional" | "absent";
  /** The error where it is not allowed; undefined for a call that always is, or is absent. */
  readonly errno: RefusalErrno | undefined;
  /** The conditions in words: the call is allowed when all of one of the lists hold. */
  readonly conditions: readonly (readonly string[])[];
  /** What the calls of its group have in common. */
  readonly group: string;
  /** Why they are treated so. */
  readonly reason: string;
}

/** Every call that the built-in policy knows, on whichever architecture, sorted. */
export const KNOWN_CALLS: readonly string[] = POLICY.flatMap(({ calls }) => calls).toSorted();

/**
 * Says what the built-in policy does with a call, and why.
 *
 * @param call Its name.
 * @param arch The architecture to speak of.
 * @returns The explanation; undefined when no architecture has such a call, as far as is known.
 */
export function explainCall(call: string, arch: SeccompArch): CallExplanation | undefined {
  const group = POLICY.find(({ calls }) => calls.includes(call));
  if (group === undefined) return undefined;
  const number = SECCOMP_ARCHS[arch].numbers.get(call);
  const outcome = number === undefined
    ? { verdict: "absent", errno: undefined, conditions: [] } as const
    : outcomeOf(group.verdict);
  return { call, arch, number, ...outcome, group: group.name, reason: group.reason };
}

function outcomeOf(
  verdict: Verdict,
): Pick<CallExplanation, "verdict" | "errno" | "conditions"> {
  switch (verdict.kind) {
    case "allow":
      return { verdict: "allowed", errno: undefined, conditions: [] };
    case "refuse":
      return { verdict: "refused", errno: verdict.errno, conditions: [] };
    case "check":
      return {
        verdict: "conditional",
        errno: verdict.errno,
        conditions: verdict.cases.map(inWords),
      };
  }
}

function inWords(tests: ArgumentCase): readonly string[] {
  return tests.map((test) => `${subject(test)} ${predicate(test)}`);
}

function subject({ argument, mask }: ArgumentTest): string {
  return mask === undefined ? argument : `${argument} & 0x${mask.toString(16)}`;
}

function predicate(test: ArgumentTest): string {
  if ("oneOf" in test) return `is ${list(test.oneOf, "or")}`;
  if ("noneOf" in test) return `is not ${list(test.noneOf, "or")}`;
  return `is without ${list(test.without, "and")}`;
}

function list(values: NamedValues, word: "and" | "or"): string {
  const items = Object.entries(values).map(([name, value]) => `${name} (${written(value)})`);
  const last = items.pop() ?? "";
  return items.length === 0 ? last : `${items.join(", ")} ${word} ${last}`;
}

/** As the kernel's headers write it, more or less: flags and operations in hexadecimal. */
function written(value: number): string {
  return value < 1000 ? String(value) : `0x${value.toString(16)}`;
}
