/**
 * What hardens a sandbox, and how each of it is taken away.
 *
 * @module
 */
import { assert, assertEquals } from "../assert.ts";
import { optionsOf, replacing, withOptions } from "./job_changes.ts";
import type { Job } from "./observed_sandbox.ts";

/** Room on /tmp and /dev/shm in the sandboxes that are changed, in bytes. */
export const [TMP_BYTES, SHM_BYTES] = [1 << 20, 2 << 20];

/** Something that is taken away. */
export interface Mutation {
  /** An option of bwrap, a limit, or a step of the launcher. */
  readonly what: string;
  /** The observation that shows it; `started` where nothing runs without it. */
  readonly seen: string;
  /** Takes it away from what the launcher is told. */
  readonly change?: (job: Job) => Job;
  /** Takes it away from what the launcher does, see `launch_without.ts`. */
  readonly without?: string;
  /** Brings about what it guards against, where nothing else does; with it and without. */
  readonly provoke?: (job: Job) => Job;
  /** As `between` of `observe()`; with it and without. */
  readonly between?: readonly string[];
}

const readWrite = (source: string, target: string) =>
  replacing(["--ro-bind", source, target], ["--bind", source, target]);

/** Each option of bwrap that holds a sandbox. */
export const OPTIONS: readonly Mutation[] = [
  { what: "--unshare-user", seen: "started", change: replacing(["--unshare-user"]) },
  { what: "--unshare-pid", seen: "ns.pid", change: replacing(["--unshare-pid"]) },
  { what: "--unshare-ipc", seen: "ns.ipc", change: replacing(["--unshare-ipc"]) },
  {
    what: "--unshare-uts",
    seen: "ns.uts",
    // bwrap does not set the name of the host.
    provoke: replacing(["--hostname", "worker"]),
    change: replacing(["--unshare-uts"]),
  },
  { what: "--hostname", seen: "hostname", change: replacing(["--hostname", "worker"]) },
  { what: "--unshare-cgroup-try", seen: "ns.cgroup", change: replacing(["--unshare-cgroup-try"]) },
  { what: "--disable-userns", seen: "userns", change: replacing(["--disable-userns"]) },
  { what: "--die-with-parent", seen: "pdeathsig", change: replacing(["--die-with-parent"]) },
  { what: "--new-session", seen: "session", change: replacing(["--new-session"]) },
  {
    what: "--cap-drop",
    seen: "status.CapEff",
    // bwrap gives none to an ordinary user's program by itself.
    provoke: (job) => withOptions(job, (options) => ["--cap-add", "ALL", ...options]),
    change: replacing(["--cap-drop", "ALL"]),
  },
  {
    what: "--clearenv",
    seen: "env",
    // The launcher gives bwrap no environment.
    provoke: (job) => ({
      ...job,
      program: "/usr/bin/env",
      args: ["OF_OUTSIDE=1", job.program, ...job.args],
    }),
    change: replacing(["--clearenv"]),
  },
  { what: "--ro-bind of /usr", seen: "mount./usr", change: readWrite("/usr", "/usr") },
  {
    what: "--ro-bind of the app",
    seen: "write./app",
    change: (job) => readWrite(appOf(job), "/app")(job),
  },
  {
    what: "--ro-bind-try",
    seen: "mount./etc/hosts",
    change: (job) =>
      withOptions(
        job,
        (options) => options.map((word) => word === "--ro-bind-try" ? "--bind-try" : word),
      ),
  },
  {
    what: "--proc",
    seen: "processes",
    change: replacing(["--proc", "/proc"], ["--ro-bind", "/proc", "/proc"]),
  },
  ...["keys", "key-users"].map((name) => ({
    what: `--ro-bind-data of /proc/${name}`,
    seen: `list.${name}`,
    change: (job: Job) =>
      withOptions(job, (options) => {
        const at = options.indexOf(`/proc/${name}`);
        assertEquals(options[at - 2], "--ro-bind-data");
        return options.toSpliced(at - 4, 5);
      }),
  })),
  {
    what: "--dev",
    seen: "dev",
    // It would take the devices away from what is shown in its place.
    provoke: replacing(["--remount-ro", "/dev"]),
    change: replacing(["--dev", "/dev"], ["--dev-bind", "/dev", "/dev"]),
  },
  {
    what: "--size of /dev/shm",
    seen: "mount./dev/shm",
    change: replacing(["--size", String(SHM_BYTES)]),
  },
  { what: "--size of /tmp", seen: "mount./tmp", change: replacing(["--size", String(TMP_BYTES)]) },
  {
    what: "--tmpfs of /tmp",
    seen: "mount./tmp",
    change: replacing(
      ["--size", String(TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp"],
      ["--bind", "/tmp", "/tmp"],
    ),
  },
  { what: "--remount-ro of /dev", seen: "write./dev", change: replacing(["--remount-ro", "/dev"]) },
  { what: "--remount-ro of /", seen: "write./", change: replacing(["--remount-ro", "/"]) },
  {
    what: "--seccomp",
    seen: "status.Seccomp",
    change: (job) => withOptions(job, (options) => options.slice(0, -2)),
  },
];

/** Options of bwrap that hold nothing, with the reason. */
export const HOLD_NOTHING: Readonly<Record<string, string>> = {
  "--uid": "bwrap shows the ids that it has itself, which are the same",
  "--gid": "as --uid",
  "--setenv": "is what the app is given",
  "--perms": "the worker may write where it owns the folder anyway",
  "--dir": "is what the app is given",
  "--symlink": "is what the app is given",
  "--file": "is what the app is given",
  "--chdir": "is where the app starts",
};

/** What proc_pid_limits(5) calls each limit. */
export const LIMIT_NAMES: Readonly<Record<string, string>> = {
  NOFILE: "open files",
  CORE: "core file size",
  MEMLOCK: "locked memory",
  MSGQUEUE: "msgqueue size",
  SIGPENDING: "pending signals",
  FSIZE: "file size",
  NPROC: "processes",
};

/** Each step of the launcher. */
export const STEPS: readonly Mutation[] = [
  {
    what: "join the cgroup",
    seen: "host.cgroup",
    change: ({ cgroup: _, ...job }) => job,
  },
  { what: "set the resource limits", seen: "limit.open files", without: "prlimit" },
  { what: "join a new session keyring", seen: "keyring", without: "syscall:keyctl" },
  { what: "leave the working directory", seen: "host.cwd", without: "chdir" },
  { what: "set the umask", seen: "umask", without: "umask" },
  { what: "close inherited file descriptors", seen: "fds", without: "syscall:close_range" },
  { what: "drop the groups", seen: "started", without: "setgroups" },
  { what: "set the group id", seen: "started", without: "setresgid" },
  { what: "set the user id", seen: "started", without: "setresuid" },
  { what: "reset the signals", seen: "status.SigIgn", without: "syscall:rt_sigaction" },
  { what: "reset the signals: the mask", seen: "status.SigBlk", without: "sigprocmask" },
  {
    what: "put what is outside out of reach",
    seen: "abstract",
    without: "syscall:landlock_restrict_self",
  },
  {
    what: "bind the life to the parent's",
    seen: "started",
    without: "getppid",
    between: ["/bin/sh", "-c", '"$@"; true', "sh"],
  },
];

/** What the server tells the launcher, besides. */
export const FIELDS: readonly Mutation[] = [
  {
    what: "the groups are dropped",
    seen: "host.Groups",
    change: (job) => ({ ...job, keepGroups: true }),
  },
  {
    what: "Landlock is wanted",
    seen: "abstract",
    change: (job) => ({ ...job, landlock: false }),
  },
];

/** Steps of the launcher that take nothing away, or whose absence is looked at elsewhere. */
export const NO_WALLS: Readonly<Record<string, string>> = {
  "verify the ids": "in refused_test.ts",
  "become dumpable": "executing the program does it as well",
  "prepare the arguments": "is what bwrap is told",
  "execute the program": "is bwrap",
};

function appOf(job: Job): string {
  const options = optionsOf(job);
  const source = options[options.indexOf("/app") - 1];
  assert(typeof source === "string");
  return source;
}
