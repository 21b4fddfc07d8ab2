import { errorMessage, type Logger, type Pid, toPid } from "#src/core/mod.ts";
import type { LaunchJob } from "./bwrap_exec/job.ts";
import { OPEN_GATE, splitOutput } from "./gate.ts";

/** How to start a launcher: this executable in its `bwrap-exec` role, waiting for a job. */
export interface LauncherCommand {
  /** Absolute path of the program. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its whole environment; nothing of the server's is inherited. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process that was handed a job. */
export interface LaunchedProcess {
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
  /** How it ended. */
  readonly status: Promise<Deno.CommandStatus>;
}

/**
 * How long after a program came to its gate the next launcher is started, in milliseconds: the start
 * of a launcher takes the processors from the program, and forking it keeps this process from its
 * other work.
 */
const REFILL_DELAY_MS = 30;

/**
 * Starts launchers, and keeps some of them started and waiting, so that a worker need not wait for
 * the runtime's start (about 20 ms). A waiting launcher has claimed nothing; it ends by itself when
 * this process does, because its standard input ends.
 */
export class LauncherPool implements AsyncDisposable {
  readonly #command: LauncherCommand;
  readonly #standby: number;
  readonly #refills: boolean;
  readonly #log: Logger;
  readonly #waiting: Set<Deno.ChildProcess> = new Set();
  #closed = false;
  #refillTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Starts the first launchers.
   *
   * @param command How to start one.
   * @param options `standby` is how many to keep waiting, 0 or more; `refill` is whether those that
   * were handed a job are replaced, true if not given.
   */
  constructor(
    command: LauncherCommand,
    options: { standby: number; refill?: boolean; log: Logger },
  ) {
    this.#command = command;
    this.#standby = options.standby;
    this.#refills = options.refill ?? true;
    this.#log = options.log;
    this.#refill();
  }

  /**
   * Hands a job to a launcher.
   *
   * @param job What it is to become. `parent` is filled in.
   * @returns The process, which has the whole job but need not have carried out any of it.
   * @throws {Error} When no launcher can be started, or it ended before it took the job.
   */
  async launch(job: Omit<LaunchJob, "parent">): Promise<LaunchedProcess> {
    if (this.#closed) throw new Error("cannot start a process: the server is closing");
    const line = new TextEncoder().encode(JSON.stringify({ ...job, parent: Deno.pid }) + "\n");
    const child = this.#take();
    const input = child.stdin.getWriter();
    try {
      await input.write(line);
    } catch (error) {
      // It cannot have become anything without the end of the line.
      killChild(child);
      await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel(), child.status]);
      throw new Error("cannot start a process: its launcher ended early", { cause: error });
    }
    const { atGate, rest } = splitOutput(child.stdout);
    atGate.finally(() => this.#refillSoon());
    // The input is the process's lifeline: it ends when this process does, or when it is not needed.
    const close = () => input.close().catch(() => undefined);
    const status = child.status.finally(close);
    return {
      pid: toPid(child.pid),
      stdout: rest,
      stderr: child.stderr,
      atGate,
      async open() {
        await input.write(new TextEncoder().encode(OPEN_GATE)).catch(() => undefined);
        await close();
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
    await Promise.all(waiting.map(async (child) => {
      await Promise.allSettled([child.stdin.close()]);
      await Promise.allSettled([child.stdout.cancel(), child.stderr.cancel(), child.status]);
    }));
  }

  #take(): Deno.ChildProcess {
    for (const child of this.#waiting) {
      this.#waiting.delete(child);
      return child;
    }
    return this.#start();
  }

  #refillSoon(): void {
    if (this.#closed || !this.#refills) return;
    // Anew for each: while sandboxes start one after the other, the processors are theirs.
    clearTimeout(this.#refillTimer);
    this.#refillTimer = setTimeout(() => this.#refill(), REFILL_DELAY_MS);
  }

  #refill(): void {
    while (!this.#closed && this.#waiting.size < this.#standby) {
      let child: Deno.ChildProcess;
      try {
        child = this.#start();
      } catch (error) {
        this.#log.warn("cannot start a standby launcher", { error: errorMessage(error) });
        return;
      }
      this.#waiting.add(child);
      child.status.then(async ({ code }) => {
        if (!this.#waiting.delete(child)) return;
        this.#log.warn("a standby launcher ended by itself", { pid: child.pid, code });
        await Promise.allSettled([
          child.stdin.close(),
          child.stdout.cancel(),
          child.stderr.cancel(),
        ]);
      });
    }
  }

  #start(): Deno.ChildProcess {
    const { program, args, env } = this.#command;
    return new Deno.Command(program, {
      args: [...args],
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
}

function killChild(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    // It has ended, which is what was wanted.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}
