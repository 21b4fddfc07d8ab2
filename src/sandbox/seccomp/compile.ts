import { assemble, type Step } from "./assemble.ts";
import { SECCOMP_ARCHS, type SeccompArch } from "./call_numbers.ts";
import {
  type ArgumentTest,
  type CallGroup,
  REFUSAL_ERRNO,
  type RefusalErrno,
  UNNAMED,
  type Verdict,
} from "./policy/call_group.ts";

/** Actions of a filter, linux/seccomp.h. */
const SECCOMP_RET_KILL_PROCESS = 0x8000_0000;
const SECCOMP_RET_ERRNO = 0x0005_0000;
const SECCOMP_RET_ALLOW = 0x7fff_0000;

/** Offsets in `struct seccomp_data`, linux/seccomp.h. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const ARGUMENTS_OFFSET = 16;
const ARGUMENT_BYTES = 8;

const ALLOW: Step = { kind: "return", action: SECCOMP_RET_ALLOW };
const KILL: Step = { kind: "return", action: SECCOMP_RET_KILL_PROCESS };

/**
 * Compiles a policy to a filter for one architecture. Calls through the entry of another one (32
 * bit on x86-64) end the process. A number that no group names, such as those of newer kernels, of
 * x32 (0x40000000 and up) and negative ones, is refused with ENOSYS.
 *
 * The number is found by halving, which takes about eight comparisons; arguments are looked at only
 * where a group asks for it. Kernels from 5.11 on find out once which numbers are allowed whatever
 * their arguments, and do not run the filter for those.
 *
 * @param policy What becomes of each call.
 * @param arch The architecture.
 * @returns The program, as the kernel takes it.
 * @throws {RangeError} When it cannot be expressed, because it is far too large.
 */
export function compilePolicy(
  policy: readonly CallGroup[],
  arch: SeccompArch,
): Uint8Array<ArrayBuffer> {
  const { audit, numbers } = SECCOMP_ARCHS[arch];
  return assemble([
    { kind: "load", offset: ARCH_OFFSET },
    { kind: "branch", on: "equal", value: audit, to: "number" },
    KILL,
    { kind: "label", label: "number" },
    { kind: "load", offset: NUMBER_OFFSET },
    ...dispatch(spansOf(verdictsByNumber(policy, numbers))),
    ...policy.flatMap(({ name, verdict }) => verdict.kind === "check" ? check(name, verdict) : []),
  ]);
}

/** What becomes of a number: an answer, or a look at the arguments at a label. */
type Decision = Exclude<Verdict, { kind: "check" }> | { kind: "check"; label: string };

/** Neighbouring numbers of which the same becomes. */
interface Span {
  readonly first: number;
  readonly decision: Decision;
}

function verdictsByNumber(
  policy: readonly CallGroup[],
  numbers: ReadonlyMap<string, number>,
): ReadonlyMap<number, Decision> {
  const decisions = new Map<number, Decision>();
  for (const { name, verdict, calls } of policy) {
    const decision: Decision = verdict.kind === "check"
      ? { kind: "check", label: checkLabel(name) }
      : verdict;
    for (const call of calls) {
      const number = numbers.get(call);
      if (number !== undefined) decisions.set(number, decision);
    }
  }
  return decisions;
}

/** The spans from 0 to the last possible number, in order. */
function spansOf(decisions: ReadonlyMap<number, Decision>): readonly Span[] {
  const spans: Span[] = [];
  const end = Math.max(-1, ...decisions.keys()) + 1;
  for (let number = 0; number <= end; number++) {
    const decision = decisions.get(number) ?? UNNAMED;
    const last = spans.at(-1);
    if (last === undefined || JSON.stringify(last.decision) !== JSON.stringify(decision)) {
      spans.push({ first: number, decision });
    }
  }
  return spans;
}

/** Finds the span of the number in the accumulator. */
function dispatch(spans: readonly Span[]): Step[] {
  const [span, ...more] = spans;
  if (span === undefined) return [];
  if (more.length === 0) return [decide(span.decision)];
  const middle = spans.length >> 1;
  const upper = spans.slice(middle);
  const value = upper[0]?.first ?? 0;
  const label = `from ${value}`;
  return [
    { kind: "branch", on: "atLeast", value, to: label },
    ...dispatch(spans.slice(0, middle)),
    { kind: "label", label },
    ...dispatch(upper),
  ];
}

function decide(decision: Decision): Step {
  switch (decision.kind) {
    case "allow":
      return ALLOW;
    case "refuse":
      return refuse(decision.errno);
    case "check":
      return { kind: "go", to: decision.label };
  }
}

function refuse(errno: RefusalErrno): Step {
  return { kind: "return", action: SECCOMP_RET_ERRNO | REFUSAL_ERRNO[errno] };
}

function checkLabel(group: string): string {
  return `check ${group}`;
}

function check(group: string, { cases, errno }: Extract<Verdict, { kind: "check" }>): Step[] {
  const label = checkLabel(group);
  return [
    { kind: "label", label },
    ...cases.flatMap((tests, index): Step[] => {
      const otherwise = `${label}, not case ${index}`;
      const steps = tests.flatMap((test, place) =>
        holds(test, { otherwise, then: `${label}, case ${index}, test ${place} holds` })
      );
      return [...steps, ALLOW, { kind: "label", label: otherwise }];
    }),
    refuse(errno),
  ];
}

/** Goes on with what follows when the test holds. */
function holds(
  test: ArgumentTest,
  { otherwise, then }: { otherwise: string; then: string },
): Step[] {
  const steps: Step[] = [
    // The low half of the argument, in little-endian order.
    { kind: "load", offset: ARGUMENTS_OFFSET + ARGUMENT_BYTES * test.index },
  ];
  if (test.mask !== undefined) steps.push({ kind: "and", bits: test.mask });
  const equal = (value: number, to: string): Step => ({ kind: "branch", on: "equal", value, to });
  if ("without" in test) {
    const value = Object.values(test.without).reduce((bits, bit) => bits | bit, 0) >>> 0;
    return [...steps, { kind: "branch", on: "anyBit", value, to: otherwise }];
  }
  if ("noneOf" in test) {
    return [...steps, ...Object.values(test.noneOf).map((value) => equal(value, otherwise))];
  }
  return [
    ...steps,
    ...Object.values(test.oneOf).map((value) => equal(value, then)),
    { kind: "go", to: otherwise },
    { kind: "label", label: then },
  ];
}
