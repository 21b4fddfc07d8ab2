import { commentLines } from "./comment.ts";

/** Lines of a unit that belong together. */
export interface Setting {
  /** Why they are there, in one paragraph or several; nothing for what explains itself. */
  readonly why?: string | readonly string[];
  /** The lines; none for what is deliberately not set. */
  readonly lines: readonly string[];
}

/**
 * Writes a section of a unit.
 *
 * @param name Its name.
 * @param settings What it holds.
 * @returns Its lines, the name first.
 */
export function section(name: string, settings: readonly Setting[]): string[] {
  return [
    `[${name}]`,
    ...settings.flatMap(({ why = [], lines }) => [
      ...(typeof why === "string" ? [why] : why).flatMap((text) => commentLines(text)),
      ...lines,
    ]),
    "",
  ];
}
