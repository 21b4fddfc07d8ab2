/** The controllers that the limits of workers need. */
export const LIMIT_CONTROLLERS = ["cpu", "memory", "pids"] as const;

/** The controllers that are put to use where they are had, and not missed where they are not. */
export const EXTRA_CONTROLLERS = ["io", "cpuset"] as const;

/** One of {@linkcode LIMIT_CONTROLLERS}. */
export type LimitController = (typeof LIMIT_CONTROLLERS)[number];

/**
 * Parses `cgroup.controllers` and `cgroup.subtree_control`, which both hold names with spaces
 * between them (the kernel's `Documentation/admin-guide/cgroup-v2.rst`).
 *
 * @param text The content of the file; a group without controllers has an empty one.
 * @returns The names, those that nobody here knows included.
 * @throws {SyntaxError} When it holds something else.
 */
export function parseControllers(text: string): string[] {
  const names = text.split(/[ \n]/).filter((name) => name !== "");
  const odd = names.find((name) => !/^[a-z][a-z0-9_]*$/.test(name));
  if (odd !== undefined) {
    throw new SyntaxError(`cannot parse ${JSON.stringify(odd)}: want the name of a controller`);
  }
  return names;
}

/**
 * Tells which controllers that limits need are not there.
 *
 * @param controllers Those that are.
 * @returns Those that are missing, in a fixed order.
 */
export function missingControllers(controllers: readonly string[]): LimitController[] {
  return LIMIT_CONTROLLERS.filter((name) => !controllers.includes(name));
}
