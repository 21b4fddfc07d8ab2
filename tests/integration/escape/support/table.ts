/**
 * The table of what is expected, a Markdown file for people to read.
 *
 * @module
 */
import type { Outcome } from "./outcome.ts";

/** Where attempts are made; the columns of the table between what an attempt is and the reasons. */
export const COLUMNS = [
  "no sandbox",
  "root, host",
  "root, none",
  "user, host",
  "user, none",
] as const;

/** A place where attempts are made. */
export type Column = (typeof COLUMNS)[number];

/** What is expected of an attempt. */
export interface Row {
  /** The heading above it. */
  readonly group: string;
  /** Its name. */
  readonly name: string;
  /** What it tries, in words. */
  readonly what: string;
  /** The verdict in each column. */
  readonly cells: Readonly<Record<Column, string>>;
  /** Why it may be open where it is, or what keeps it closed. */
  readonly why: string;
}

/**
 * Reads the table.
 *
 * @param text The file.
 * @returns Its rows, in order.
 * @throws {Error} When a row has another number of cells than there are columns.
 */
export function parseTable(text: string): Row[] {
  let group = "";
  const rows: Row[] = [];
  for (const line of text.split("\n")) {
    group = /^## (.*)$/.exec(line)?.[1] ?? group;
    if (!line.startsWith("| `")) continue;
    const [name = "", what = "", ...rest] = line.slice(1, line.lastIndexOf("|")).split("|")
      .map((cell) => cell.trim());
    if (rest.length !== COLUMNS.length + 1) throw new Error(`cannot read the row ${line}`);
    const cells = Object.fromEntries(COLUMNS.map((column, index) => [column, rest[index] ?? ""]));
    rows.push({
      group,
      name: name.replaceAll("`", ""),
      what,
      cells: cells as Record<Column, string>,
      why: rest.at(-1) ?? "",
    });
  }
  return rows;
}

/**
 * Holds what came of all attempts against the table.
 *
 * @param rows The table.
 * @param found What came of them, in each column that was tried.
 * @returns What differs, in words; empty for nothing.
 */
export function differences(
  rows: readonly Row[],
  found: Readonly<Partial<Record<Column, readonly Outcome[]>>>,
): string[] {
  return Object.entries(found).flatMap(([column, outcomes]) =>
    columnDifferences(rows, column as Column, outcomes)
  );
}

function columnDifferences(
  rows: readonly Row[],
  column: Column,
  outcomes: readonly Outcome[],
): string[] {
  const key = ({ group, name }: { group: string; name: string }) => `${group}/${name}`;
  const expected = new Map(rows.map((row) => [key(row), row]));
  const seen = new Set(outcomes.map(key));
  return [
    ...outcomes.flatMap((outcome) => {
      const want = expected.get(key(outcome))?.cells[column];
      if (want === outcome.verdict) return [];
      const says = want === undefined ? "the table has no such row" : `the table says ${want}`;
      return [`${key(outcome)}: ${column}: ${outcome.verdict} (${outcome.evidence}), ${says}`];
    }),
    ...[...expected.keys()].filter((name) => !seen.has(name))
      .map((name) => `${name}: ${column}: it was not tried`),
  ];
}
