import type { AppName, NetworkMode } from "#src/core/mod.ts";
import type { AppSource, Mount } from "#src/backend/mod.ts";

/** An app as the data plane serves it: what to run, and how many of it. */
export interface AppDefinition {
  /** The app's segment of the URL path. */
  readonly name: AppName;
  /** Where its files come from. */
  readonly source: AppSource;
  /** Whether its workers have the host's network, or none. */
  readonly network: NetworkMode;
  /** The program and its arguments; without it the files of the app decide. */
  readonly cmd?: readonly string[];
  /** `4.4` or `4.4.2`; empty for the R that the server is configured with. */
  readonly rVersion: string;
  /** How many sessions share one worker, 1 or more. */
  readonly maxSessionsPerWorker: number;
  /** How many workers of this app may exist at a time, 1 or more. */
  readonly maxWorkers: number;
  /** How many workers without a session are kept ready for the next visitors, 0 or more. */
  readonly warmWorkers: number;
  /** How much memory a worker may use, in bytes; 0 for the server's default. */
  readonly memoryBytes: number;
  /** How many cores a worker may use; 0 for the server's default. */
  readonly cpuCores: number;
  /** Environment of the app. */
  readonly env: Readonly<Record<string, string>>;
  /** What of the host it sees besides its files. */
  readonly mounts: readonly Mount[];
}
