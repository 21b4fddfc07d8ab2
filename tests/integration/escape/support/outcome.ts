/** What came of an attempt. */
export interface Outcome {
  /** The kind of attempt that it is among. */
  readonly group: string;
  /** Its name. */
  readonly name: string;
  /**
   * `open`: it worked; `closed`: it was refused, or nothing came of it; `unsupported`: this kernel has
   * no such thing; anything else is an error of the test.
   */
  readonly verdict: string;
  /** What shows it, in words. */
  readonly evidence: string;
}

/** How the kernel says that it has no such thing, as opposed to one that it does not let a process have. */
const ABSENT =
  /: (?:ENOSYS|EAFNOSUPPORT|EPROTONOSUPPORT|ESOCKTNOSUPPORT|EPFNOSUPPORT|ENODEV|ENXIO|ENOPROTOOPT|EOPNOTSUPP)$/;

/**
 * Reads what the probes print: a line `# GROUP` before the attempts of each group, then for each its
 * name, its verdict and the evidence with tabs between.
 *
 * @param lines The lines.
 * @returns The attempts, in order.
 */
export function parseOutcomes(lines: readonly string[]): Outcome[] {
  let group = "";
  return lines.flatMap((line) => {
    const heading = /^# (.*)$/.exec(line)?.[1];
    if (heading !== undefined) {
      group = heading;
      return [];
    }
    const [name = "", verdict = "broken", ...rest] = line.split("\t");
    return [{ group, name, verdict, evidence: rest.join(" ") }];
  });
}

/**
 * Says of attempts in a sandbox which the kernel could not have let succeed: those that it has nothing
 * for outside of a sandbox either.
 *
 * @param outcomes What came of them.
 * @param outside What came of the same attempts without a sandbox.
 * @returns The same, those `unsupported`.
 */
export function withUnsupported(
  outcomes: readonly Outcome[],
  outside: readonly Outcome[],
): Outcome[] {
  const missing = new Set(outside.filter(isAbsent).map(({ name }) => name));
  return outcomes.map((outcome) =>
    outcome.verdict !== "open" && missing.has(outcome.name)
      ? { ...outcome, verdict: "unsupported" }
      : outcome
  );
}

function isAbsent({ verdict, evidence }: Outcome): boolean {
  return verdict === "absent" || (verdict === "closed" && ABSENT.test(evidence));
}
