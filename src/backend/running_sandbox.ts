import type { GroupLimits, WorkerGroup } from "#src/cgroup/mod.ts";
import { type Clock, errorMessage, type Logger, type Pid, type Uid } from "#src/core/mod.ts";
import {
  type LaunchedProcess,
  type LauncherPool,
  type LaunchJob,
  removeGroup,
  type SandboxedProcess,
  type SignalName,
} from "#src/sandbox/mod.ts";
import type { MonitorEnding } from "./exit_reason.ts";
import { LogBuffer } from "./log_buffer.ts";
import { OutputPace } from "./output_pace.ts";
import { processesOfUid } from "./proc/mod.ts";

/** What starting and watching a sandbox takes. */
export interface SandboxParts {
  /** Who starts it. */
  readonly launchers: Pick<LauncherPool<WorkerGroup>, "launch">;
  /** Takes hold of the sandbox of this monitor; undefined when it has ended. */
  readonly attach: (monitorPid: Pid) => SandboxedProcess | undefined;
  /** Root of the procfs, `/proc`. */
  readonly proc: string;
  /** Tells and lets pass time. */
  readonly clock: Clock;
  /** Gets what went wrong without anybody to tell it to. */
  readonly log: Logger;
}

/** How long the end of a sandbox may be waited for before it is announced all the same. */
const EMPTY_TIMEOUT_MS = 10_000;
/** Pauses between looks at a sandbox that is about to be empty, in milliseconds; the last repeats. */
const EMPTY_POLL_MS = [0, 1, 2, 5, 10, 20, 50];
/** Pause between looks at a sandbox whose end was announced and that is not empty yet. */
const LINGER_POLL_MS = 1000;
/** How long the output may stay open when no process is left that could write to it. */
const OUTPUT_TIMEOUT_MS = 2000;
/** Pause between looks at an app that was asked to finish, in milliseconds. */
const APP_POLL_MS = 20;
/** Pause between looks at a sandbox whose program is at the gate, in milliseconds. */
const GATE_POLL_MS = 1;
/** Lines of output that explain why a sandbox did not start. */
const EXPLAINING_LINES = 5;

/** What shows that the kernel ended a sandbox for its memory. */
export interface OomEvidence {
  /** The most memory that it used, in bytes; undefined where the kernel does not keep it. */
  readonly peakBytes: number | undefined;
  /** What it was held to, in bytes; 0 when it was a limit above it or the host's own memory. */
  readonly limitBytes: number;
}

/** A sandbox from the moment its job was handed over until the last of its processes is gone. */
export class RunningSandbox {
  /** Resolves when its monitor has ended and its output is complete; never rejects. */
  readonly ended: Promise<MonitorEnding>;
  /** The cgroup that all its processes are in; undefined on a host where none can be made. */
  readonly group: WorkerGroup | undefined;
  /** Resolves when no process of it is left; its uid must not be used before. Never rejects. */
  readonly emptied: Promise<void>;
  readonly #process: SandboxedProcess;
  readonly #parts: SandboxParts;
  readonly #monitorEnded: Promise<MonitorEnding>;
  #hasMonitorEnded = false;
  #isLingering = false;
  #oom: OomEvidence | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(
    readonly pid: Pid,
    readonly log: LogBuffer,
    { process, parts, status, output, group, exclusiveUid }: {
      process: SandboxedProcess;
      parts: SandboxParts;
      status: LaunchedProcess["status"];
      output: Promise<unknown>;
      group: WorkerGroup | undefined;
      exclusiveUid: Uid | undefined;
    },
  ) {
    this.group = group;
    this.#process = process;
    this.#parts = parts;
    this.#monitorEnded = status.then(({ code, signal }) => {
      this.#hasMonitorEnded = true;
      log.hurry();
      return { code, signal };
    });
    this.emptied = this.#monitorEnded.then(() => this.#waitUntilEmpty(exclusiveUid));
    this.ended = this.#monitorEnded.then(async (ending) => {
      await this.#atMost(EMPTY_TIMEOUT_MS, this.emptied);
      await this.#atMost(OUTPUT_TIMEOUT_MS, output);
      log.close();
      return ending;
    });
  }

  /**
   * Starts a sandbox.
   *
   * @param job What a launcher is told.
   * @param parts What it takes; `limits` are what its cgroup is held to, which is removed when the
   * sandbox has ended; `exclusiveUid` is the uid that nothing else runs under, if so;
   * `beforeProgram` is called with the first process of the sandbox when that is finished and its
   * program has not begun; if it throws, the program never does.
   * @returns The sandbox, finished; its program is about to run.
   * @throws {Error} When the launcher or bwrap failed before that, with what they said.
   */
  static async start(
    job: Omit<LaunchJob, "parent" | "cgroup">,
    { limits, exclusiveUid, beforeProgram, ...parts }: SandboxParts & {
      limits: GroupLimits;
      exclusiveUid: Uid | undefined;
      beforeProgram?: ((initPid: Pid) => void) | undefined;
    },
  ): Promise<RunningSandbox> {
    const child = await parts.launchers.launch(job, {
      settle: async (group) => {
        await group.setLimits(limits);
      },
    });
    const { group } = child;
    const log = new LogBuffer({ clock: parts.clock, pace: new OutputPace(parts.clock) });
    const output = Promise.allSettled([
      log.capture("stdout", child.stdout),
      log.capture("stderr", child.stderr),
    ]);
    const isAtGate = await child.atGate;
    const process = parts.attach(child.pid);
    const buried = async () => {
      const [{ code }] = await Promise.all([child.status, output]);
      while (process?.isAlive()) {
        process.kill();
        await parts.clock.sleep(GATE_POLL_MS);
      }
      process?.[Symbol.dispose]();
      await removeGroup(group, parts.log);
      return code;
    };
    if (process === undefined || !isAtGate) {
      const code = await buried();
      const said = log.tail(EXPLAINING_LINES).map(({ text }) => text).join("; ");
      throw new Error(said === "" ? `it ended with exit code ${code}` : said);
    }
    while (process.isAlive() && !process.isWaiting()) await parts.clock.sleep(GATE_POLL_MS);
    try {
      beforeProgram?.(process.initPid);
    } catch (error) {
      process.kill();
      await buried();
      throw error;
    }
    await child.open();
    const { pid, status } = child;
    return new RunningSandbox(pid, log, { process, parts, status, output, group, exclusiveUid });
  }

  /** The first process of the sandbox, by its id on the host. */
  get initPid(): Pid {
    return this.#process.initPid;
  }

  /** Whether its monitor has ended, after which the app cannot be asked anything. */
  get hasMonitorEnded(): boolean {
    return this.#hasMonitorEnded;
  }

  /** Whether processes of it were left when its end had been waited for long enough. */
  get isLingering(): boolean {
    return this.#isLingering;
  }

  /**
   * Asks the app to finish, and kills everything when it has not done so in time. A second call
   * joins the first.
   *
   * @param options `signals` are sent to the app one after the other, with equal parts of `graceMs`
   * after each; with a `graceMs` of 0 none is sent.
   * @returns A promise that resolves when the sandbox has ended.
   */
  stop(options: { signals: readonly SignalName[]; graceMs: number }): Promise<void> {
    this.#stopping ??= this.#stop(options);
    return this.#stopping;
  }

  /** What the kernel said of its memory, once it has ended and if the kernel killed it for that. */
  get oom(): OomEvidence | undefined {
    return this.#oom;
  }

  /** Kills every process of the sandbox at once. */
  kill(): void {
    this.#process.kill();
    // What the first process of the namespace takes with it, the group takes with it once more.
    this.group?.kill().catch((error) => this.#report("cannot kill a cgroup", error));
  }

  async #stop({ signals, graceMs }: { signals: readonly SignalName[]; graceMs: number }) {
    for (const signal of graceMs > 0 ? signals : []) {
      // Without an app yet there is nobody to ask, and nothing to lose.
      if (this.#hasMonitorEnded || !this.#process.signalApp(signal)) break;
      await this.#atMost(graceMs / signals.length, this.#appEnded());
    }
    if (!this.#hasMonitorEnded) this.kill();
    await this.ended;
  }

  /**
   * Waits for the end of the app, or else of the monitor: what the app has started can keep the
   * sandbox's own processes from the processor, so that they see its end seconds later. Never rejects.
   */
  async #appEnded(): Promise<void> {
    try {
      while (!this.#hasMonitorEnded && !this.#process.hasAppEnded()) {
        await this.#atMost(APP_POLL_MS, this.#monitorEnded);
      }
    } catch (error) {
      this.#report("cannot look whether an app has ended", error);
      await this.#monitorEnded;
    }
  }

  async #waitUntilEmpty(exclusiveUid: Uid | undefined): Promise<void> {
    const { clock, log } = this.#parts;
    const startMs = clock.monotonicMs();
    for (let round = 0; !(await this.#isEmpty(exclusiveUid)); round++) {
      if (!this.#isLingering && clock.monotonicMs() - startMs > EMPTY_TIMEOUT_MS) {
        this.#isLingering = true;
        log.error("processes of a sandbox do not end: its slots stay taken until they do", {
          pid: this.initPid,
          uid: exclusiveUid,
        });
      }
      const pauseMs = EMPTY_POLL_MS[round] ?? EMPTY_POLL_MS.at(-1) ?? 0;
      await clock.sleep(this.#isLingering ? LINGER_POLL_MS : pauseMs);
    }
    await this.#closeGroup();
    this.#process[Symbol.dispose]();
  }

  /** What the group knows is read before it is removed. */
  async #closeGroup(): Promise<void> {
    const { group } = this;
    if (group === undefined) return;
    try {
      if (await group.oomKills() > 0) {
        const { memoryPeakBytes } = await group.usage();
        this.#oom = { peakBytes: memoryPeakBytes, limitBytes: group.limits.memoryBytes };
      }
      await group.remove();
    } catch (error) {
      this.#report("cannot close a cgroup", error);
    }
  }

  #report(message: string, error: unknown): void {
    this.#parts.log.error(message, { cgroup: this.group?.folder, error: errorMessage(error) });
  }

  /** Kills what is left, and looks whether that is nothing. */
  async #isEmpty(exclusiveUid: Uid | undefined): Promise<boolean> {
    const { proc, log } = this.#parts;
    try {
      this.#process.kill();
      if (this.#process.isAlive()) return false;
      if (this.group !== undefined) {
        // Nothing in it can leave it, so that no process elsewhere has the uid through it.
        if (!await this.group.isPopulated()) return true;
        await this.group.kill();
        return false;
      }
      if (exclusiveUid === undefined) return true;
      return (await processesOfUid(exclusiveUid, { proc })).live.length === 0;
    } catch (error) {
      log.error("cannot look at the end of a sandbox", { error: errorMessage(error) });
      return false;
    }
  }

  /** Waits for a promise that never rejects, but not for ever. */
  async #atMost(ms: number, promise: Promise<unknown>): Promise<void> {
    const waiting = new AbortController();
    await Promise.race([promise, this.#parts.clock.sleep(ms, { signal: waiting.signal })]);
    waiting.abort();
  }
}
