import type { Reading } from "./reading.ts";

/** A program that a benchmark runs. */
export interface NeededProgram {
  /** What it is called in PATH. */
  readonly name: string;
  /** The Debian package that brings it. */
  readonly debianPackage: string;
}

/** What a benchmark works with. */
export interface BenchContext {
  /** Whether fewer samples will do. */
  readonly quick: boolean;
  /** The single executable under test; built before any benchmark that uses it runs. */
  readonly executable: string;
  /** An empty folder of the benchmark's own that other users can enter; removed afterwards. */
  readonly folder: string;
}

/** One thing that is measured against another. */
export interface Benchmark {
  /** What `--only` calls it. */
  readonly name: string;
  /** What it runs besides Deno. */
  readonly programs: readonly NeededProgram[];
  /** Whether it runs the single executable. */
  readonly usesExecutable: boolean;
  /**
   * Measures.
   *
   * @param context What it works with.
   * @returns One reading for each row of the table.
   * @throws {Error} When something did not do what was to be measured.
   */
  run(context: BenchContext): Promise<Reading[]>;
}
