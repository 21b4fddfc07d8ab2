import type { Config } from "#src/config/mod.ts";
import type { NetworkMode } from "#src/core/mod.ts";
import type { LandlockSupport, ServerIdentity } from "#src/sandbox/mod.ts";

/** What stands for the exit code of a program that took too long and was killed, as of timeout(1). */
export const EXIT_TIMEOUT = 124;

/** How a program ended that a check ran. */
export interface ProgramResult {
  /** Its exit code; 128 + N when signal N ended it, {@linkcode EXIT_TIMEOUT} when it took too long. */
  readonly code: number;
  /** What it wrote to standard output, cut after 64 KiB. */
  readonly stdout: string;
  /** What it wrote to standard error, cut after 64 KiB. */
  readonly stderr: string;
}

/** A folder or file of the host at another path in a sandbox. */
export interface ShownFile {
  /** Absolute, canonical path on the host. */
  readonly source: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
}

/** What a check wants to have run in a sandbox. */
export interface SandboxTrial {
  /** The program, by its absolute path in the sandbox, and its arguments. */
  readonly command: readonly string[];
  /** Its network; the host's if not given. */
  readonly network?: NetworkMode;
  /** Folders or files of the host that are shown read-only, at their own paths if none is given. */
  readonly shown?: readonly (string | ShownFile)[];
  /** Environment besides what every sandbox has. */
  readonly env?: Readonly<Record<string, string>>;
  /** After how long it is killed, in milliseconds; 10 000 if not given. */
  readonly timeoutMs?: number;
  /** Leaves the configured system call filter out, as no worker's sandbox does. */
  readonly withoutSeccomp?: boolean;
  /** Called once the program runs, with the host's view of it. */
  readonly whileRunning?: (running: RunningTrial) => Promise<void>;
}

/** A sandbox that runs, as the host sees it. */
export interface RunningTrial {
  /** The uid that was asked for. */
  readonly uid: number;
  /** The gid that was asked for. */
  readonly gid: number;
  /** bwrap's outer process. */
  readonly monitorPid: number;
  /** The first process inside. */
  readonly initPid: number;
  /** Kills the program and all it started. */
  end(): void;
}

/** Starts sandboxes exactly as those of workers are started. */
export interface SandboxTrials {
  /**
   * Runs a program in a sandbox to its end.
   *
   * @param trial What to run.
   * @returns How it ended.
   * @throws {Error} When no sandbox can be made, with what bwrap or the launcher said.
   */
  run(trial: SandboxTrial): Promise<ProgramResult>;
  /**
   * Tells whether bwrap can forbid further user namespaces inside on this host.
   *
   * @returns Whether it can.
   * @throws {Error} As {@linkcode SandboxTrials.run}.
   */
  canDisableUserns(): Promise<boolean>;
  /**
   * Tells whether the sandboxes are held by Landlock.
   *
   * @returns Whether they are, and if not, why.
   * @throws {Error} When there is no bwrap.
   */
  landlock(): Promise<LandlockSupport>;
}

/** Where the system keeps what checks read, so that tests can show them another one. */
export interface HostRoots {
  /** The procfs, `/proc`. */
  readonly proc: string;
  /** The folder of the host's settings, `/etc`. */
  readonly etc: string;
  /** The sysfs, `/sys`. */
  readonly sys: string;
}

/** What becomes of the rules of a managed firewall. */
export interface ManagedFirewallState {
  /** Whether this process has set them, so that what is reached is reached in spite of them. */
  readonly isSet: boolean;
  /**
   * Finds out whether a server could set them.
   *
   * @returns What is in the way, in words; undefined for nothing. It never rejects.
   */
  problem(): Promise<string | undefined>;
}

/** The host as checks see it, and what is to run on it. */
export interface PreflightHost {
  /** What is to run. */
  readonly config: Config;
  /** The file that it came from, by its absolute path; undefined for the embedded defaults. */
  readonly configPath: string | undefined;
  /** Who runs this process. */
  readonly identity: ServerIdentity;
  /** Where the system keeps what checks read. */
  readonly roots: HostRoots;
  /** This host's sandboxes. */
  readonly sandboxes: SandboxTrials;
  /** The managed firewall; undefined where `firewall.mode` is off. */
  readonly firewall?: ManagedFirewallState | undefined;
  /**
   * Finds a program as the server would.
   *
   * @param name A name to look for in PATH, or an absolute path.
   * @returns Its absolute path; undefined when there is none.
   */
  findProgram(name: string): Promise<string | undefined>;
  /**
   * Runs a program outside any sandbox, with no input and a small environment of its own.
   *
   * @param command The program by its absolute path, and its arguments.
   * @param options `timeoutMs` is after how long it is killed, 10 000 if not given; `env` is more
   * environment; `input` is what it reads from standard input; `asWorker` runs it under a worker's
   * uid and gid, which takes root.
   * @returns How it ended.
   * @throws {Error} When it cannot be started.
   */
  runProgram(
    command: readonly string[],
    options?: {
      timeoutMs?: number;
      env?: Readonly<Record<string, string>>;
      input?: string;
      asWorker?: boolean;
    },
  ): Promise<ProgramResult>;
  /**
   * Tries something in a folder that a worker can enter and not write to, and that is empty at first.
   *
   * @param action Does it; the folder is an absolute path.
   * @returns What the function returns; the folder is gone by then.
   * @throws {Error} When there is no folder to be had, or it cannot be removed.
   */
  inScratchFolder<T>(action: (folder: string) => Promise<T>): Promise<T>;
  /**
   * Tells how this executable is started in a role of its own inside a sandbox.
   *
   * @param args The arguments, the command first, such as `["probe", "--tcp", "127.0.0.1:80"]`.
   * @returns The command; the files it needs, to be shown; its environment.
   * @throws {Error} When a file of it cannot be made readable for workers.
   */
  selfInSandbox(
    args: readonly string[],
  ): Promise<Required<Pick<SandboxTrial, "command" | "shown" | "env">>>;
}
