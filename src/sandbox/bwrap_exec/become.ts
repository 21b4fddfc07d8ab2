import {
  chdir,
  closeOnExecExcept,
  execve,
  getgroups,
  getppid,
  getresgid,
  getresuid,
  joinNewSessionKeyring,
  LANDLOCK_SCOPE,
  landlockRestrict,
  type Libc,
  lowerRlimit,
  memfd,
  resetSignals,
  RLIM_INFINITY,
  setDumpable,
  setgroups,
  setNoNewPrivs,
  setParentDeathSignal,
  setresgid,
  setresuid,
  setUmask,
  SIGNALS,
  stdinFromNull,
  writeKernelFile,
} from "#ffi/mod.ts";
import { type JobArg, type LaunchJob, parseRlimit } from "./job.ts";

/** A step on the way to becoming the program that failed. */
export class StepError extends Error {
  /** The class, for callers that branch. */
  override readonly name = "StepError";
}

/**
 * Drops every privilege and becomes the job's program. The order matters: what needs privilege
 * comes first, then the groups, the gid and the uid, then what a change of uid undoes.
 *
 * @param libc The C library.
 * @param job What to become.
 * @throws {StepError} At the first step that fails; the process must end then, since it may have
 * lost some of its privileges and kept others.
 */
export function become(libc: Libc, job: LaunchJob): never {
  if (job.cgroup !== undefined) joinCgroup(libc, job.cgroup);
  step("set the resource limits", () => job.rlimits.forEach((text) => applyRlimit(libc, text)));
  step("join a new session keyring", () => joinNewSessionKeyring(libc));
  step("leave the working directory", () => chdir(libc, "/"));
  setUmask(libc, 0o022);
  step("close inherited file descriptors", () => closeOnExecExcept(libc, job.keepFds));
  const args = step("prepare the arguments", () => job.args.map((arg) => realize(libc, arg)));

  if (!job.keepGroups) step("drop the groups", () => setgroups(libc, []));
  step("set the group id", () => setresgid(libc, job.gid));
  step("set the user id", () => setresuid(libc, job.uid));
  step("verify the ids", () => verifyIds(libc, job));
  // Not before: glibc tells the other threads of a change of ids by a signal of its own.
  step("reset the signals", () => resetSignals(libc));
  if (job.landlock) step("put what is outside out of reach", () => leaveReach(libc));

  const { parent } = job;
  if (parent !== undefined) {
    step("bind the life to the parent's", () => {
      if (job.lifeline === "signal") setParentDeathSignal(libc, SIGNALS.SIGKILL);
      const actual = getppid(libc);
      if (actual !== parent) throw new Error(`the parent is ${actual}, want ${parent}`);
    });
  }
  step("become dumpable", () => setDumpable(libc, true));
  return step("execute the program", () => {
    const name = job.program.slice(job.program.lastIndexOf("/") + 1);
    // The program's environment is visible to its user: it gets none, and hands on what it is told.
    return execve(libc, job.program, { argv: [name, ...args], env: [] });
  });
}

/**
 * Moves this process with all its threads into a cgroup. The kernel may take about 10 ms for it: it
 * waits until no process can be forking.
 *
 * @param libc The C library.
 * @param folder Absolute path of the group's folder below a mount of cgroup v2.
 * @throws {StepError} When the kernel refuses.
 */
export function joinCgroup(libc: Libc, folder: string): void {
  step("join the cgroup", () => writeKernelFile(libc, `${folder}/cgroup.procs`, "0"));
}

/**
 * Puts /dev/null in the place of the standard input that the job came over.
 *
 * @param libc The C library.
 * @throws {SyscallError} When /dev/null cannot be opened.
 */
export function releaseStdin(libc: Libc): void {
  stdinFromNull(libc);
}

function step<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new StepError(`cannot ${name}: ${message}`, { cause: error });
  }
}

function applyRlimit(libc: Libc, text: string): void {
  const { name, soft, hard } = parseRlimit(text);
  lowerRlimit(libc, name, { soft: soft ?? RLIM_INFINITY, hard: hard ?? RLIM_INFINITY });
}

function realize(libc: Libc, arg: JobArg): string {
  if (typeof arg === "string") return arg;
  return String(memfd(libc, contentOf(libc, arg), { closeOnExec: false }));
}

function contentOf(libc: Libc, arg: Exclude<JobArg, string>): Uint8Array<ArrayBuffer> {
  if ("base64" in arg) return Uint8Array.fromBase64(arg.base64);
  const text = "data" in arg ? arg.data : arg.list.map((item) => {
    const value = realize(libc, item);
    if (value.includes("\0")) throw new RangeError("an argument contains NUL");
    return value + "\0";
  }).join("");
  return new TextEncoder().encode(text);
}

/** Behind the change of ids, which glibc signals to threads that stay outside. */
function leaveReach(libc: Libc): void {
  setNoNewPrivs(libc);
  landlockRestrict(libc, LANDLOCK_SCOPE.ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE.SIGNAL);
}

function verifyIds(libc: Libc, job: LaunchJob): void {
  for (
    const [name, ids, want] of [
      ["user", getresuid(libc), job.uid],
      ["group", getresgid(libc), job.gid],
    ] as const
  ) {
    if (ids.real !== want || ids.effective !== want || ids.saved !== want) {
      throw new Error(
        `the ${name} ids are ${ids.real}/${ids.effective}/${ids.saved}, want ${want} three times`,
      );
    }
  }
  if (!job.keepGroups) {
    const groups = getgroups(libc);
    if (groups.length > 0) throw new Error(`the groups are ${groups.join(",")}, want none`);
  }
}
