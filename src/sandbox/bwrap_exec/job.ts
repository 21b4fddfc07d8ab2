/**
 * What a launcher is told to become.
 *
 * @module
 */
import { type RlimitName, RLIMITS } from "#ffi/mod.ts";

/** One argument of the program, or something that the launcher turns into one. */
export type JobArg =
  /** The argument itself. */
  | string
  /** Becomes the number of a file descriptor in memory that holds this text. */
  | { readonly data: string }
  /** The same for bytes, written in base64. */
  | { readonly base64: string }
  /** Becomes the number of a descriptor that holds these, each followed by NUL (bwrap's `--args`). */
  | { readonly list: readonly JobArg[] };

/** Everything a launcher does before and when it becomes another program. */
export interface LaunchJob {
  /** The user id to take, 0 to 4294967294. */
  readonly uid: number;
  /** The group id to take, 0 to 4294967294. */
  readonly gid: number;
  /** Keep the supplementary groups: only where dropping them needs a privilege that is not there. */
  readonly keepGroups: boolean;
  /** The process that must still be the parent when the ids are taken. */
  readonly parent?: number;
  /**
   * What ends the program when the parent does: a signal that the kernel sends (PDEATHSIG), or the
   * end of standard input, which the program then keeps and has to look for.
   */
  readonly lifeline: "signal" | "input";
  /** A cgroup v2 folder to join first. */
  readonly cgroup?: string;
  /** Limits as `NAME=SOFT:HARD`, see {@linkcode parseRlimit}. */
  readonly rlimits: readonly string[];
  /**
   * Keep abstract unix sockets and processes outside out of reach, by Landlock: only where the kernel
   * has it, and the program needs no set-id bit.
   */
  readonly landlock: boolean;
  /** Descriptors above 2 that the program inherits. */
  readonly keepFds: readonly number[];
  /** Absolute path of the program. */
  readonly program: string;
  /** Its arguments, without its name. */
  readonly args: readonly JobArg[];
}

/** The highest id; 4294967295 means "unchanged" to setresuid(2). */
const MAX_ID = 0xffff_fffe;

/** A job, or a command line for one, that cannot be carried out as it is written. */
export class JobError extends Error {
  /** The class, for callers that branch. */
  override readonly name = "JobError";
}

/**
 * Reads a user or group id.
 *
 * @param text The text of the id.
 * @param what What it is for the message, such as `--uid`.
 * @returns A whole number from 0 to 4294967294.
 * @throws {JobError} When it is missing or something else.
 */
export function parseId(text: string | undefined, what: string): number {
  const id = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(id <= MAX_ID)) {
    const got = text === undefined ? "nothing" : JSON.stringify(text);
    throw new JobError(`${what} is ${got}: want a whole number from 0 to ${MAX_ID}`);
  }
  return id;
}

/** A parsed `NAME=SOFT:HARD`; `undefined` stands for unlimited. */
export interface ParsedRlimit {
  /** Which limit. */
  readonly name: RlimitName;
  /** What the kernel enforces. */
  readonly soft: bigint | undefined;
  /** How far the program may raise it. */
  readonly hard: bigint | undefined;
}

/**
 * Reads a resource limit such as `NOFILE=1024:4096` or `CORE=0:0`.
 *
 * @param text The limit; each value is a whole number or `unlimited`.
 * @returns Its parts.
 * @throws {JobError} When it is something else, or soft is above hard.
 */
export function parseRlimit(text: string): ParsedRlimit {
  const match = /^([A-Z]+)=(\d{1,19}|unlimited):(\d{1,19}|unlimited)$/.exec(text);
  const [, name, softText, hardText] = match ?? [];
  if (name === undefined) {
    throw new JobError(`--rlimit is ${JSON.stringify(text)}: want NAME=SOFT:HARD`);
  }
  if (!isRlimitName(name)) {
    const names = Object.keys(RLIMITS).join(" ");
    throw new JobError(`--rlimit is ${JSON.stringify(text)}: want one of ${names}`);
  }
  const soft = softText === "unlimited" ? undefined : BigInt(softText ?? 0);
  const hard = hardText === "unlimited" ? undefined : BigInt(hardText ?? 0);
  if (hard !== undefined && (soft === undefined || soft > hard)) {
    throw new JobError(`--rlimit is ${JSON.stringify(text)}: want SOFT no higher than HARD`);
  }
  return { name, soft, hard };
}

/**
 * Reads a job as one line of JSON, strictly: the writer is the server, so that anything odd is a
 * fault and not a wish.
 *
 * @param line What came over standard input.
 * @returns The job.
 * @throws {JobError} When it is no job.
 */
export function parseJob(line: string): LaunchJob {
  let value: Partial<Record<keyof LaunchJob, unknown>> | null;
  try {
    value = JSON.parse(line);
  } catch {
    throw new JobError("the job on standard input is not JSON");
  }
  const {
    uid,
    gid,
    keepGroups,
    parent,
    lifeline,
    cgroup,
    rlimits,
    landlock,
    keepFds,
    program,
    args,
  } = value ?? {};
  if (typeof program !== "string" || !Array.isArray(args) || !args.every(isJobArg)) {
    throw new JobError("the job on standard input lacks a program or its arguments");
  }
  if (!isListOf(rlimits, "string") || !isListOf(keepFds, "number")) {
    throw new JobError("the job on standard input lacks its limits or descriptors");
  }
  if (typeof landlock !== "boolean") {
    throw new JobError("the job on standard input does not say whether Landlock is wanted");
  }
  return {
    uid: parseId(String(uid), "uid"),
    gid: parseId(String(gid), "gid"),
    keepGroups: keepGroups === true,
    ...(parent === undefined ? {} : { parent: parseId(String(parent), "parent") }),
    lifeline: lifeline === "input" ? "input" : "signal",
    ...(cgroup === undefined ? {} : { cgroup: String(cgroup) }),
    rlimits: rlimits as string[],
    landlock,
    keepFds: keepFds as number[],
    program: checkProgram(program),
    args,
  };
}

/**
 * Checks the program of a job.
 *
 * @param path The path that was asked for.
 * @returns The same path.
 * @throws {JobError} When it is not absolute: a search path must not decide what root executes.
 */
export function checkProgram(path: string | undefined): string {
  if (path === undefined) {
    throw new JobError("no program after --: want the absolute path of bwrap");
  }
  if (!path.startsWith("/")) {
    throw new JobError(`the program is ${JSON.stringify(path)}: want an absolute path`);
  }
  return path;
}

function isRlimitName(name: string): name is RlimitName {
  return Object.hasOwn(RLIMITS, name);
}

function isListOf(value: unknown, type: "string" | "number"): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === type);
}

function isJobArg(value: unknown): value is JobArg {
  if (typeof value === "string") return true;
  if (typeof value !== "object" || value === null) return false;
  if ("data" in value) return typeof value.data === "string";
  if ("base64" in value) return typeof value.base64 === "string";
  return "list" in value && Array.isArray(value.list) && value.list.every(isJobArg);
}
