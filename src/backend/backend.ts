import type { AppName, Gid, NetworkMode, Pid, Port, Uid, WorkerId } from "#src/core/mod.ts";

/** Where a worker's files come from; the worker sees them read-only at `/app`. */
export type AppSource =
  /** A folder of the host, named by an absolute path. */
  | { readonly kind: "directory"; readonly path: string }
  /** A few small text files held in memory, by their name below `/app` (no folders). */
  | { readonly kind: "files"; readonly files: Readonly<Record<string, string>> };

/** One more folder or file of the host that a worker sees. */
export interface Mount {
  /** Absolute path on the host. */
  readonly source: string;
  /** A top-level name in the sandbox, such as `/data`. */
  readonly target: string;
  /** Whether writing is refused. */
  readonly readOnly: boolean;
}

/** What to run as a worker. */
export interface WorkerSpec {
  /** What the worker will be called; must not be in use. */
  readonly id: WorkerId;
  /** The app it is a worker of. */
  readonly app: AppName;
  /** The app's files. */
  readonly source: AppSource;
  /** Whether it has the host's network, or none and listens on a unix socket. */
  readonly network: NetworkMode;
  /**
   * The program and its arguments; `{port}` and `{host}`, or `{socket}` without a network, are
   * replaced in each. Without it the files of the app decide: Shiny for `app.R` or `server.R`,
   * plumber for `plumber.R`.
   */
  readonly cmd?: readonly string[];
  /** `4.4` or `4.4.2`; empty for the R that the server is configured with. */
  readonly rVersion: string;
  /** Environment of the app. It reaches the app only, and no command line of the host. */
  readonly env: Readonly<Record<string, string>>;
  /** What the worker sees besides its app. */
  readonly mounts: readonly Mount[];
  /** How much memory it may use, in bytes; 0 for the server's default. */
  readonly memoryBytes: number;
  /** How many cores it may use; 0 for the server's default. */
  readonly cpuCores: number;
}

/** What a worker is held to; 0 stands for no limit. */
export interface ResourceLimits {
  /** Memory of all its processes, in bytes. */
  readonly memoryBytes: number;
  /** Time on processors, in cores. */
  readonly cpuCores: number;
  /** Processes and threads. */
  readonly pids: number;
}

/** The cgroup of a worker, as firewalls name it. */
export interface WorkerCgroup {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** What `nft socket cgroupv2` and `iptables -m cgroup --path` want. */
  readonly path: string;
  /** How deep it is, which nft wants as well. */
  readonly level: number;
}

/** Where a worker answers. */
export type WorkerAddress =
  /** At a port. */
  | {
    readonly kind: "tcp";
    /** An address of this host. */
    readonly hostname: string;
    /** The port that was claimed for the worker. */
    readonly port: Port;
  }
  /** At a unix socket. */
  | {
    readonly kind: "unix";
    /**
     * Where the socket is on the host, for people: the worker decides what is there. No two workers
     * have the same at a time.
     */
    readonly path: string;
    /**
     * What to connect to in its place: a path of this process that leads to the very socket that was
     * seen to be the worker's. Connections are refused until the first healthy answer. It may come
     * to lead to another worker's once the worker was removed.
     */
    readonly connectPath: string;
  };

/** The life of a worker, in this order; some steps can be skipped, none is gone back. */
export type WorkerState = "starting" | "ready" | "draining" | "stopping" | "exited";

/** Why a worker is no more. */
export type ExitReason =
  /** The app ended by itself with this exit code, 0 to 128. */
  | { readonly kind: "code"; readonly code: number }
  /** A signal that nobody of ours sent ended the app. */
  | { readonly kind: "signal"; readonly signal: string }
  /** The kernel ended it for its memory limit. */
  | {
    readonly kind: "oom";
    /** The most memory that it used, in bytes; absent where the kernel does not keep it. */
    readonly peakBytes?: number;
    /** Its limit, in bytes; absent when it was the host's own memory that ran out. */
    readonly limitBytes?: number;
  }
  /** `stop` was called. */
  | { readonly kind: "stopped" }
  /** It did not become ready in time. */
  | { readonly kind: "start_timeout" }
  /** The monitor vanished, and nothing can be said. */
  | { readonly kind: "lost" };

/** A worker as it is now; a copy, not a view. */
export interface WorkerInfo {
  /** What it is called. */
  readonly id: WorkerId;
  /** The app it is a worker of. */
  readonly app: AppName;
  /** Where in its life it is. */
  readonly state: WorkerState;
  /** The uid that the worker has on the host. */
  readonly uid: Uid;
  /** The gid that the worker has on the host. */
  readonly gid: Gid;
  /** The sandbox's monitor on the host, a child of the server. */
  readonly pid: Pid;
  /** Where it answers. */
  readonly address: WorkerAddress;
  /** Wall clock, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Its cgroup; absent on a host where none can be made. */
  readonly cgroup?: WorkerCgroup;
  /** Set once the state is `exited`. */
  readonly exit?: ExitReason;
}

/** What a health check found. */
export type Health =
  /** The address answers, and the listening socket belongs to the worker. */
  | { readonly status: "healthy" }
  /** Nothing of the worker listens (yet); `reason` says what was seen. */
  | { readonly status: "unhealthy"; readonly reason: string }
  /** The worker is gone. */
  | { readonly status: "exited"; readonly exit: ExitReason };

/** One line of output. */
export interface LogLine {
  /** 1 for the first line of a worker, without gaps; a gap seen by a reader is what was dropped. */
  readonly seq: number;
  /** Where the worker wrote it. */
  readonly stream: "stdout" | "stderr";
  /** Wall clock when the line was complete, milliseconds since 1970. */
  readonly timeMs: number;
  /** Without its line end; ends in ` …[cut]` when it was longer than the limit. */
  readonly text: string;
}

/** What a worker uses. */
export interface ResourceUsage {
  /** Share of one core since the look before (since its start for the first), in percent, ≥ 0. */
  readonly cpuPercent: number;
  /**
   * What it holds, in bytes: by its cgroup all but the files that the kernel can drop, otherwise the
   * proportional set size of all its processes.
   */
  readonly memoryBytes: number;
  /** How many processes it has, its sandbox's own included; by its cgroup, threads count as well. */
  readonly processes: number;
  /** What it is held to. */
  readonly limits: ResourceLimits;
  /** The most memory it ever held, in bytes; absent where the kernel does not keep it. */
  readonly memoryPeakBytes?: number;
  /** Bytes read from and written to devices; absent where the kernel does not count them. */
  readonly io?: { readonly readBytes: number; readonly writtenBytes: number };
  /**
   * For how much of the last 10 s some process of it waited for a resource, in percent; absent where
   * the kernel does not tell.
   */
  readonly pressure?: { readonly cpu: number; readonly memory: number; readonly io: number };
}

/** A command to run to its end in a sandbox. */
export interface BuildSpec {
  /** What the build is called; must not be in use by a worker or a build. */
  readonly id: WorkerId;
  /** The app it builds for. */
  readonly app: AppName;
  /** The program and its arguments. */
  readonly cmd: readonly string[];
  /** As in {@linkcode WorkerSpec.rVersion}. */
  readonly rVersion: string;
  /** Environment of the command. It reaches the command only, and no command line of the host. */
  readonly env: Readonly<Record<string, string>>;
  /** The folders it reads and writes. */
  readonly mounts: readonly Mount[];
  /** The working directory inside the sandbox; `/tmp` if not given. */
  readonly workDir?: string;
  /** After this long the build is killed and its result says so. Milliseconds, above 0. */
  readonly timeoutMs: number;
}

/** How a build ended. */
export interface BuildResult {
  /** Whether the command ended by itself. */
  readonly outcome: "finished" | "timeout" | "cancelled";
  /** The exit code of the command when it finished, 128 + N after signal N; else -1. */
  readonly exitCode: number;
  /** Every line that the log buffer still holds. */
  readonly log: readonly LogLine[];
}

/**
 * What runs workers. All methods are safe to call at any time and in parallel.
 * A method that takes the id of a worker throws `NotFoundError` for an id that is not managed.
 */
export interface Backend {
  /**
   * Starts a worker. Resolves when its program was handed to the kernel, state `starting`; ask
   * {@linkcode Backend.healthCheck} until it is healthy.
   *
   * @param spec What to run.
   * @param options `signal` gives up; what was begun is undone.
   * @returns The worker as it was just started.
   * @throws {ConflictError} When the id is in use.
   * @throws {ExhaustedError} When no uid or port is free.
   * @throws {NotFoundError} When the R version is not there.
   * @throws {Error} When a step failed; the message names the step, and all before it is undone.
   */
  spawn(spec: WorkerSpec, options?: { signal?: AbortSignal }): Promise<WorkerInfo>;

  /**
   * Ends a worker: asks the app to finish, waits, kills what is left. A second call joins the first.
   *
   * @param id The worker.
   * @param options `graceMs` is how long the app may take by itself (default 5000); `reason` is
   * recorded if the app was still running (default `stopped`).
   * @returns Why it ended: an exit that came before the call keeps its own reason.
   */
  stop(
    id: WorkerId,
    options?: { graceMs?: number; reason?: ExitReason },
  ): Promise<ExitReason>;

  /**
   * Waits for the end of a worker, without ending it. When it resolves, the log is complete and
   * the worker's slots are free again.
   *
   * @param id The worker.
   * @returns Why it ended.
   */
  exited(id: WorkerId): Promise<ExitReason>;

  /**
   * Looks whether the worker answers at its address and owns the socket that does. The first
   * healthy answer turns `starting` into `ready`.
   *
   * @param id The worker.
   * @returns What was found; a failed look is `unhealthy`, never an exception.
   */
  healthCheck(id: WorkerId): Promise<Health>;

  /**
   * Reads a worker's output, also after its end, until {@linkcode Backend.removeResource}.
   *
   * @param id The worker.
   * @param options With `follow`, goes on with new lines until both streams ended; `signal` ends it.
   * @returns The lines from the oldest one kept.
   */
  logs(id: WorkerId, options?: { follow?: boolean; signal?: AbortSignal }): AsyncIterable<LogLine>;

  /**
   * Tells where a worker answers.
   *
   * @param id The worker.
   * @returns Its address.
   */
  addr(id: WorkerId): WorkerAddress;

  /**
   * Lists the workers.
   *
   * @returns Every worker that was spawned and not removed, exited ones included.
   */
  listManaged(): WorkerInfo[];

  /**
   * Forgets a worker and its log; stops it first if it runs.
   *
   * @param id The worker.
   */
  removeResource(id: WorkerId): Promise<void>;

  /**
   * Measures a worker, at most once in a second: whoever asks in between is told the same.
   *
   * @param id The worker.
   * @returns What it uses now; zeros for one that has exited.
   */
  workerResourceUsage(id: WorkerId): Promise<ResourceUsage>;

  /**
   * Changes the limits of a running worker.
   *
   * @param id The worker.
   * @param limits New limits: memory in bytes, CPU in cores; 0 takes a limit away, and one that is
   * not given stays.
   * @returns All limits, as the kernel took them.
   * @throws {NotSupportedError} When this host cannot enforce limits.
   * @throws {ConflictError} When it uses more memory than it is to have, or has exited.
   */
  updateResources(
    id: WorkerId,
    limits: { memoryBytes?: number; cpuCores?: number },
  ): Promise<ResourceLimits>;

  /**
   * Takes back the slots of servers of this host that are no more.
   *
   * @returns How many slots that were.
   */
  cleanupOrphanResources(): Promise<number>;

  /**
   * Checks that an R version can be served.
   *
   * @param version As in {@linkcode WorkerSpec.rVersion}.
   * @throws {NotFoundError} With a message for the user: which R is wanted, which are there.
   */
  checkRVersion(version: string): Promise<void>;

  /**
   * Runs a command to its end in the same kind of sandbox as a worker, under a uid of its own.
   *
   * @param spec What to run.
   * @param options `onLog` gets every line as it comes; `signal` cancels.
   * @returns How it ended.
   * @throws {Error} As {@linkcode Backend.spawn}.
   */
  build(
    spec: BuildSpec,
    options?: { onLog?: (line: LogLine) => void; signal?: AbortSignal },
  ): Promise<BuildResult>;

  /**
   * Stops every worker and build, and the waiting launchers.
   *
   * @param options `graceMs` as for {@linkcode Backend.stop}.
   */
  close(options?: { graceMs?: number }): Promise<void>;
}
