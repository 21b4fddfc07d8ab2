import type { Finding } from "./finding.ts";
import type { PreflightHost } from "./host.ts";

/** What a check is about. */
export type Category =
  | "sandbox"
  | "r"
  | "identity"
  | "network"
  | "resources"
  | "store"
  | "configuration";

/** One question to the host. */
export interface Check {
  /** The name that scripts match; fixed. */
  readonly name: string;
  /** What it is about. */
  readonly category: Category;
  /**
   * Asks it. What cannot be found out is a finding too, and never an `ok` one.
   *
   * @param host The host, and what is to run on it.
   * @returns One finding, or several where several things are the matter.
   * @throws {Error} When the check itself fails; that is reported as a warning.
   */
  run(host: PreflightHost): Promise<Finding | readonly Finding[]>;
}
