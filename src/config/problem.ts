import { UsageError } from "#src/core/mod.ts";

/** Where a setting was written. */
export type Origin =
  /** In the file; both numbers count from 1. */
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  /** In an environment variable or an option, by its name. */
  | { readonly kind: "named"; readonly name: string }
  /** Nowhere: a default does not fit, or a file is not there. */
  | { readonly kind: "none" };

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  /** Where it was written. */
  readonly origin: Origin;
  /** The keys that lead to it, such as `["server", "bind"]`; empty for the file as a whole. */
  readonly path: readonly (string | number)[];
  /** What is wrong and what is wanted; never an app's environment or a URL. */
  readonly message: string;
}

/** A configuration that cannot be used; `message` has a line for every problem. */
export class ConfigError extends UsageError {
  /** The class, for callers that branch. */
  override readonly name: string = "ConfigError";
  /** All that is wrong: the file in its order, then the environment, then the rest. */
  readonly problems: readonly ConfigProblem[];

  /**
   * Makes the error of some problems.
   *
   * @param problems What is wrong, at least one; they are put in order.
   */
  constructor(problems: readonly ConfigProblem[]) {
    const ordered = problems.toSorted(compare);
    super(renderProblems(ordered));
    this.problems = ordered;
  }
}

/**
 * Writes problems for people.
 *
 * @param problems What is wrong.
 * @returns A line for each: `file:line:column key.path: what is wrong, what is wanted`, with the
 * variable's name instead of all before the colon where it came from the environment.
 */
export function renderProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ origin, path, message }) => {
    const keys = renderPath(path);
    switch (origin.kind) {
      case "file": {
        const place = `${origin.file}:${origin.line}:${origin.column}`;
        return keys === "" ? `${place}: ${message}` : `${place} ${keys}: ${message}`;
      }
      case "named":
        return `${origin.name}: ${message}`;
      case "none":
        return keys === "" ? message : `${keys}: ${message}`;
    }
  }).join("\n");
}

/**
 * Writes the way to a key as people write it.
 *
 * @param path The keys and list positions.
 * @returns `apps.hello.cmd[0]`; keys that would be ambiguous are quoted.
 */
export function renderPath(path: readonly (string | number)[]): string {
  return path.map((step, index) => {
    if (typeof step === "number") return `[${step}]`;
    const text = /^[A-Za-z0-9_-]+$/.test(step) ? step : JSON.stringify(step);
    return index === 0 ? text : `.${text}`;
  }).join("");
}

function compare(left: ConfigProblem, right: ConfigProblem): number {
  const [a, b] = [left.origin, right.origin];
  if (a.kind === "file" && b.kind === "file") return a.line - b.line || a.column - b.column;
  return RANK[a.kind] - RANK[b.kind];
}

const RANK: Readonly<Record<Origin["kind"], number>> = { file: 0, named: 1, none: 2 };
