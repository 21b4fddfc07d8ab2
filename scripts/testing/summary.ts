/** How many tests of a run ended in which way. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/**
 * Counts the tests of one `deno test` run.
 *
 * Its last line is read, and not its JUnit report: that one leaves out test files that failed to
 * load, and counts steps as tests.
 *
 * @param output What the run printed, without colours.
 * @param code Its exit code.
 * @returns The counts; a run that failed has at least one failure, also if it never came to the end.
 */
export function countTests(output: string, code: number): Counts {
  const summaries = output.matchAll(
    /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(.*)$/gm,
  );
  const last = Array.from(summaries).at(-1);
  const ignored = /\| (\d+) ignored/.exec(last?.[3] ?? "");
  const failed = Number(last?.[2] ?? 0);
  return {
    passed: Number(last?.[1] ?? 0),
    failed: failed === 0 && (code !== 0 || last === undefined) ? 1 : failed,
    ignored: Number(ignored?.[1] ?? 0),
  };
}

/**
 * The tests that were left out.
 *
 * @param output What the run printed, without colours.
 * @returns Their names, in the order of the run.
 */
export function ignoredNames(output: string): string[] {
  return Array.from(output.matchAll(/^\s*(.+) \.\.\. ignored/gm), (match) => match[1] ?? "");
}

/**
 * Adds counts up.
 *
 * @param all The counts of each step.
 * @param options With `mustRun`, a test that was left out has failed.
 * @returns The sum.
 */
export function addCounts(all: readonly Counts[], options: { mustRun: boolean }): Counts {
  const sum = (pick: (counts: Counts) => number) =>
    all.reduce((total, counts) => total + pick(counts), 0);
  const ignored = sum((counts) => counts.ignored);
  return {
    passed: sum((counts) => counts.passed),
    failed: sum((counts) => counts.failed) + (options.mustRun ? ignored : 0),
    ignored,
  };
}
