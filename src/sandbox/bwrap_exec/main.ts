/**
 * `blockyard bwrap-exec`: the short-lived process that drops privilege and becomes bwrap. It is
 * started for every worker, so that it loads nothing but `ffi/`.
 *
 * @module
 */
import { openLibc, releaseFilePages, unchangedFileRanges } from "#ffi/mod.ts";
import { become, joinCgroup, releaseStdin } from "./become.ts";
import { parseCommandLine, USAGE } from "./command_line.ts";
import { JobError, parseJob } from "./job.ts";
import { readLineSync } from "./read_line.ts";
import { rehearse } from "./rehearse.ts";

/** Exit code for a command line that is not understood. */
const EXIT_USAGE = 2;
/** Exit code when the program could not be executed, as in the shells. */
const EXIT_CANNOT_EXEC = 126;

/**
 * Runs the command. It returns only when it did not become another program.
 *
 * @param args What follows `bwrap-exec`.
 * @returns The exit code: 0 after `--help`, or when the server went away while waiting; 2 for
 * misuse; 126 when a step failed, after one line on standard error that names it.
 */
export function bwrapExec(args: readonly string[]): number {
  try {
    const invocation = parseCommandLine(args);
    if (invocation.kind === "help") {
      Deno.stdout.writeSync(new TextEncoder().encode(USAGE));
      return 0;
    }
    const libc = openLibc();
    if (invocation.kind === "job") become(libc, invocation.job);
    rehearse();
    // The kernel takes a program's memory apart before it executes another one: less is faster.
    releaseFilePages(libc, unchangedFileRanges(Deno.readTextFileSync("/proc/self/smaps")));
    // Now that the memory of this runtime is there, which stays charged to the group that it is in.
    if (invocation.cgroup !== undefined) joinCgroup(libc, invocation.cgroup);
    const line = readLineSync(Deno.stdin);
    if (line === undefined) return 0;
    const job = parseJob(line);
    if (job.lifeline === "signal") releaseStdin(libc);
    become(libc, job);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A pipe that is gone leaves nobody to tell; the exit code still says it.
    try {
      Deno.stderr.writeSync(new TextEncoder().encode(`bwrap-exec: ${message}\n`));
    } catch {
      return EXIT_CANNOT_EXEC;
    }
    return error instanceof JobError ? EXIT_USAGE : EXIT_CANNOT_EXEC;
  }
}

if (import.meta.main) Deno.exit(bwrapExec(Deno.args));
