import { errorMessage, type Logger, type Pid, toPid } from "#src/core/mod.ts";
import type { LaunchJob } from "./bwrap_exec/job.ts";
import { OPEN_GATE, splitOutput } from "./gate.ts";
import { removeGroup } from "./remove_group.ts";

/** How to start a launcher: this executable in its `bwrap-exec` role, waiting for a job. */
export interface LauncherCommand {
  /** Absolute path of the program. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its whole environment; nothing of the server's is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** The cgroup of one launcher, and of the sandbox that it starts. */
export interface LauncherGroup {
  /** Absolute path of its folder. */
  readonly folder: string;
  /**
   * Removes it.
   *
   * @throws {Error} When that fails.
   */
  remove(): Promise<void>;
}

/** A process that was handed a job. */
export interface LaunchedProcess<Group extends LauncherGroup = LauncherGroup> {
  /** The cgroup that it is in, to be removed when it has ended; undefined where there are none. */
  readonly group: Group | undefined;
  /** The process that becomes bwrap, a child of this one. */
  readonly pid: Pid;
  /** Its standard output behind the gate; must be read to its end. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Its standard error; must be read to its end. */
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Whether its program waits at the gate; false when the process ended without coming there. */
  readonly atGate: Promise<boolean>;
  /** Opens the gate. A process that is gone is no error: its status says so. */
  open(): Promise<void>;
  /** Kills it with all that it has started in its process group. One that has ended is no error. */
  kill(): void;
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
}

/**
 * How long after a program came to its gate the next launcher is started, in milliseconds: the start
 * of a launcher takes the processors from the program, and forking it keeps this process from its
 * other work.
 */
const REFILL_DELAY_MS = 30;

/** What a launcher that ended by itself may have to say, in characters. */
const SAID_LENGTH = 500;

/** What a {@linkcode LauncherPool} works with. */
export interface LauncherPoolOptions<Group extends LauncherGroup> {
  /** How many launchers to keep waiting, 0 or more. */
  readonly standby: number;
  /** Whether those that were handed a job are replaced, true if not given. */
  readonly refill?: boolean;
  /** Makes the group of a new launcher; without, they stay in that of this process. */
  readonly newGroup?: (() => Promise<Group | undefined>) | undefined;
  /** Told what goes wrong without anybody to tell it to. */
  readonly log: Logger;
}

/** A launcher without a job yet. */
interface Launcher<Group> {
  readonly child: Deno.ChildProcess;
  readonly group: Group | undefined;
}

/**
 * Starts launchers, and keeps some of them started and waiting, so that a worker need not wait for
 * the runtime's start (about 20 ms), nor for its move to a cgroup of its own (about 10 ms: the
 * kernel lets an RCU grace period pass). A waiting launcher has claimed nothing else; it ends by
 * itself when this process does, because its standard input ends.
 */
export class LauncherPool<Group extends LauncherGroup = LauncherGroup> implements AsyncDisposable {
  readonly #command: LauncherCommand;
  readonly #options: LauncherPoolOptions<Group>;
  readonly #log: Logger;
  /** In the order in which they were started. */
  readonly #waiting: Set<Promise<Launcher<Group>>> = new Set();
  #closed = false;
  #refillTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the first launchers.
   *
   * @param command How to start one.
   * @param options How many, where, and who is told.
   */
  constructor(command: LauncherCommand, options: LauncherPoolOptions<Group>) {
    this.#command = command;
    this.#options = options;
    this.#log = options.log;
    this.#refill();
  }

  /**
   * Hands a job to a launcher.
   *
   * @param job What it is to become. `parent` is filled in.
   * @param options `settle` is called with the launcher's group, if it has one, before the launcher
   * gets the job; when it fails, so does the launch.
   * @returns The process, which has the whole job but need not have carried out any of it.
   * @throws {Error} When no launcher can be started, or it ended before it took the job.
   */
  async launch(
    job: Omit<LaunchJob, "parent" | "cgroup">,
    { settle }: { settle?: (group: Group) => Promise<void> } = {},
  ): Promise<LaunchedProcess<Group>> {
    if (this.#closed) throw closingError();
    const line = new TextEncoder().encode(JSON.stringify({ ...job, parent: Deno.pid }) + "\n");
    const { child, group } = await this.#take();
    const input = child.stdin.getWriter();
    try {
      if (group !== undefined) await settle?.(group);
      await input.write(line).catch((cause) => {
        throw new Error("cannot start a process: its launcher ended early", { cause });
      });
    } catch (error) {
      // It cannot have become anything without the end of the line.
      killChild(child);
      await input.abort().catch(() => undefined);
      await this.#discard({ child, group });
      throw error;
    }
    const { atGate, rest } = splitOutput(child.stdout);
    atGate.finally(() => this.#refillSoon());
    // The input is the process's lifeline: it ends when this process does, or when it is not needed.
    const close = () => input.close().catch(() => undefined);
    const status = child.status.finally(close);
    let hasEnded = false;
    status.then(() => hasEnded = true, () => undefined);
    return {
      group,
      pid: toPid(child.pid),
      stdout: rest,
      stderr: child.stderr,
      atGate,
      async open() {
        await input.write(new TextEncoder().encode(OPEN_GATE)).catch(() => undefined);
        await close();
      },
      kill() {
        // Once it has ended, its id may be another's.
        if (!hasEnded) killGroup(child);
      },
      status,
    };
  }

  /** Ends the waiting launchers. Processes that were handed a job are not touched. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refillTimer);
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    await Promise.all(waiting.map(async (starting) => {
      // One that could not be started was logged.
      const launcher = await starting.catch(() => undefined);
      if (launcher === undefined) return;
      await Promise.allSettled([launcher.child.stdin.close()]);
      await this.#discard(launcher);
    }));
  }

  async #take(): Promise<Launcher<Group>> {
    for (const starting of this.#waiting) {
      this.#waiting.delete(starting);
      return await starting;
    }
    return await this.#start();
  }

  #refillSoon(): void {
    if (this.#closed || this.#options.refill === false) return;
    // Anew for each: while sandboxes start one after the other, the processors are theirs.
    clearTimeout(this.#refillTimer);
    this.#refillTimer = setTimeout(() => this.#refill(), REFILL_DELAY_MS);
  }

  #refill(): void {
    while (!this.#closed && this.#waiting.size < this.#options.standby) {
      const starting = this.#start();
      this.#waiting.add(starting);
      this.#watch(starting).catch((error) => {
        this.#waiting.delete(starting);
        this.#log.warn("cannot start a standby launcher", { error: errorMessage(error) });
      });
    }
  }

  /** Takes a launcher that ends without a job out of those that wait. */
  async #watch(starting: Promise<Launcher<Group>>): Promise<void> {
    const launcher = await starting;
    const { child, group } = launcher;
    const { code } = await child.status;
    if (!this.#waiting.delete(starting)) return;
    const [said] = await Promise.all([
      new Response(child.stderr).text(),
      child.stdout.cancel(),
      child.stdin.close().catch(() => undefined),
    ]);
    const fields = { pid: child.pid, code, said: said.trim().slice(0, SAID_LENGTH) };
    this.#log.warn("a standby launcher ended by itself", fields);
    await removeGroup(group, this.#log);
  }

  async #start(): Promise<Launcher<Group>> {
    const group = await this.#options.newGroup?.();
    try {
      if (this.#closed) throw closingError();
      return { child: this.#startChild(group), group };
    } catch (error) {
      await removeGroup(group, this.#log);
      throw error;
    }
  }

  #startChild(group: Group | undefined): Deno.ChildProcess {
    const { program, args, env } = this.#command;
    return new Deno.Command(program, {
      args: [...args, ...(group === undefined ? [] : ["--cgroup", group.folder])],
      env: { ...env },
      clearEnv: true,
      cwd: "/",
      // A session of its own: Ctrl-C on the server's terminal must not reach the workers.
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async #discard({ child, group }: Launcher<Group>): Promise<void> {
    await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel(), child.status]);
    await removeGroup(group, this.#log);
  }
}

function closingError(): Error {
  return new Error("cannot start a process: the server is closing");
}

function killChild(child: Deno.ChildProcess): void {
  unlessEnded(() => child.kill("SIGKILL"));
}

/** It leads a process group, since it was started in a session of its own: kill(2). */
function killGroup(child: Deno.ChildProcess): void {
  unlessEnded(() => Deno.kill(-child.pid, "SIGKILL"));
}

function unlessEnded(kill: () => void): void {
  try {
    kill();
  } catch (error) {
    // It has ended, which is what was wanted.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
