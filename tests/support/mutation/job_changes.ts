/**
 * Changes of what a launcher is told, as data.
 *
 * @module
 */
import type { JobArg } from "#src/sandbox/mod.ts";
import type { Job } from "./observed_sandbox.ts";

/** An argument that becomes a descriptor with others, see {@linkcode JobArg}. */
type List = Extract<JobArg, { list: unknown }>;

const isList = (arg: JobArg): arg is List => typeof arg === "object" && "list" in arg;

/**
 * Finds what bwrap is told through its descriptor, see `bwrapArgs()`.
 *
 * @param job The job.
 * @returns bwrap's options.
 */
export function optionsOf(job: Job): readonly JobArg[] {
  const list = job.args.find(isList);
  if (list === undefined) throw new Error("the job has no options");
  return list.list;
}

/**
 * Changes what bwrap is told.
 *
 * @param job The job.
 * @param change Gets bwrap's options and gives others.
 * @returns The changed job.
 */
export function withOptions(job: Job, change: (options: readonly JobArg[]) => JobArg[]): Job {
  return { ...job, args: job.args.map((arg) => isList(arg) ? { list: change(arg.list) } : arg) };
}

/**
 * Makes a change that replaces options of bwrap.
 *
 * @param from Words that stand one after the other in the options; once, or it is an error.
 * @param to What stands in their place; nothing if not given.
 * @returns The change.
 */
export function replacing(from: readonly string[], to: readonly JobArg[] = []): (job: Job) => Job {
  return (job) =>
    withOptions(job, (options) => {
      const found = options.flatMap((_, at) =>
        from.every((word, index) => options[at + index] === word) ? [at] : []
      );
      const [at] = found;
      if (at === undefined || found.length > 1) {
        throw new Error(`"${from.join(" ")}" is ${found.length} times in the options, want once`);
      }
      return options.toSpliced(at, from.length, ...to);
    });
}
