import { checkProgram, JobError, parseId, parseRlimit } from "./job.ts";
import type { LaunchJob } from "./job.ts";

/** How to call `bwrap-exec`. */
export const USAGE = `Usage: blockyard bwrap-exec --uid W --gid G [OPTIONS] -- BWRAP ARGS...
       blockyard bwrap-exec --wait [--cgroup DIR]

Drops every privilege and becomes the program BWRAP, an absolute path.

  --uid W                   user id to take
  --gid G                   group id to take
  --cgroup DIR              cgroup v2 folder to join first
  --rlimit NAME=SOFT:HARD   upper bound of a resource, such as NOFILE=1024:4096
                            (repeatable)
  --parent PID              end unless PID is still the parent, and when it ends
  --keep-fd N               file descriptor that stays open (repeatable)
  --landlock                keep abstract unix sockets and processes outside out of
                            reach
  --keep-groups             keep the supplementary groups
  --wait                    take the job as a line of JSON from standard input
  --help                    show this text
`;

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: "help" }
  | { readonly kind: "wait"; readonly cgroup?: string }
  | { readonly kind: "job"; readonly job: LaunchJob };

/**
 * Reads the arguments of `bwrap-exec`.
 *
 * @param args What follows `bwrap-exec`.
 * @returns What is asked for.
 * @throws {JobError} With what is wrong and what is wanted.
 */
export function parseCommandLine(args: readonly string[]): Invocation {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  const [program, ...programArgs] = end === -1 ? [] : args.slice(end + 1);
  if (options.includes("--help")) return { kind: "help" };
  if (options.includes("--wait")) return parseWait(args);

  const values = new Map<string, string>();
  const rlimits: string[] = [];
  const keepFds: number[] = [];
  let keepGroups = false;
  let landlock = false;
  for (let i = 0; i < options.length; i++) {
    const { name, inline } = splitOption(options[i] ?? "");
    if (name === "--keep-groups" && inline === undefined) {
      keepGroups = true;
      continue;
    }
    if (name === "--landlock" && inline === undefined) {
      landlock = true;
      continue;
    }
    const value = inline ?? options[++i];
    if (value === undefined) throw new JobError(`${name} has no value`);
    switch (name) {
      case "--rlimit":
        parseRlimit(value);
        rlimits.push(value);
        break;
      case "--keep-fd":
        keepFds.push(parseId(value, name));
        break;
      case "--uid":
      case "--gid":
      case "--parent":
      case "--cgroup":
        if (values.has(name)) throw new JobError(`${name} is given twice`);
        values.set(name, value);
        break;
      default:
        throw new JobError(`${JSON.stringify(name)} is no option: see --help`);
    }
  }

  const parent = values.get("--parent");
  const cgroup = values.get("--cgroup");
  return {
    kind: "job",
    job: {
      uid: parseId(values.get("--uid"), "--uid"),
      gid: parseId(values.get("--gid"), "--gid"),
      keepGroups,
      ...(parent === undefined ? {} : { parent: parseId(parent, "--parent") }),
      lifeline: "signal",
      ...(cgroup === undefined ? {} : { cgroup }),
      rlimits,
      landlock,
      keepFds,
      program: checkProgram(program),
      args: programArgs,
    },
  };
}

/** The one thing that is better done before there is a job, since it may take longer than the rest. */
function parseWait(args: readonly string[]): Invocation {
  const [first, option, cgroup, ...more] = args;
  if (first === "--wait" && option === undefined) return { kind: "wait" };
  if (
    first !== "--wait" || option !== "--cgroup" || cgroup === undefined || more.length > 0
  ) {
    throw new JobError("--wait takes no other option than --cgroup DIR: the job brings the rest");
  }
  return { kind: "wait", cgroup };
}

function splitOption(text: string): { name: string; inline: string | undefined } {
  const equals = text.startsWith("--") ? text.indexOf("=") : -1;
  if (equals === -1) return { name: text, inline: undefined };
  return { name: text.slice(0, equals), inline: text.slice(equals + 1) };
}
