import type { SignalName } from "#src/sandbox/mod.ts";
import type { ExitReason, WorkerCgroup, WorkerInfo, WorkerSpec, WorkerState } from "./backend.ts";
import { exitReason } from "./exit_reason.ts";
import type { Listening } from "./listening.ts";
import type { OomEvidence, RunningSandbox } from "./running_sandbox.ts";
import type { SandboxSlots } from "./slots.ts";
import type { WorkerUsage } from "./worker_usage.ts";

/** What a worker was given when it started. */
export interface WorkerParts {
  /** Where it runs. */
  readonly sandbox: RunningSandbox;
  /** Who it runs as. */
  readonly slots: SandboxSlots;
  /** Where it listens. */
  readonly listening: Listening;
  /** Wall clock, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Ask its app to finish. */
  readonly stopSignals: readonly SignalName[];
  /** Measures it. */
  readonly usage: WorkerUsage;
  /** Gives its slots back; never rejects. */
  readonly release: () => Promise<void>;
}

/** A worker from its start until it is forgotten. */
export class Worker {
  /** Resolves with the reason once the worker has ended and its slots are free; never rejects. */
  readonly exited: Promise<ExitReason>;
  readonly #parts: WorkerParts;
  #state: WorkerState = "starting";
  #exit: ExitReason | undefined;
  #stopReason: ExitReason | undefined;

  /**
   * Takes over a sandbox that has just been started, and its slots.
   *
   * @param spec What it runs.
   * @param parts What it was given.
   */
  constructor(readonly spec: WorkerSpec, parts: WorkerParts) {
    this.#parts = parts;
    const { sandbox } = parts;
    const released = sandbox.emptied.then(parts.release);
    this.exited = sandbox.ended.then(async (ending) => {
      // A sandbox that lingers keeps its slots, but not the news of its end.
      if (!sandbox.isLingering) await released;
      this.#exit = this.#stopReason ?? oomReason(sandbox.oom) ?? exitReason(ending);
      this.#state = "exited";
      return this.#exit;
    });
  }

  /** Why it ended, once it has. */
  get exit(): ExitReason | undefined {
    return this.#exit;
  }

  /** What it was given. */
  get parts(): WorkerParts {
    return this.#parts;
  }

  /** Notes that it was seen to answer. */
  markReady(): void {
    this.#parts.listening.markReady();
    if (this.#state === "starting") this.#state = "ready";
  }

  /**
   * Asks the app to finish, and kills what is left after a while. A second call joins the first.
   *
   * @param options `graceMs` is how long the app may take; `reason` is recorded if it still ran.
   * @returns Why it ended.
   */
  async stop({ graceMs, reason }: { graceMs: number; reason: ExitReason }): Promise<ExitReason> {
    const { sandbox, stopSignals } = this.#parts;
    if (!sandbox.hasMonitorEnded) {
      this.#stopReason ??= reason;
      this.#state = "stopping";
      await sandbox.stop({ signals: stopSignals, graceMs });
    }
    return await this.exited;
  }

  /**
   * Describes it.
   *
   * @returns A copy of its present state.
   */
  describe(): WorkerInfo {
    const { listening, sandbox, slots, startedAtMs } = this.#parts;
    return {
      id: this.spec.id,
      app: this.spec.app,
      state: this.#state,
      uid: slots.owner.uid,
      gid: slots.owner.gid,
      pid: sandbox.pid,
      address: listening.address,
      startedAtMs,
      ...(sandbox.group && { cgroup: cgroupOf(sandbox.group) }),
      ...(this.#exit === undefined ? {} : { exit: this.#exit }),
    };
  }
}

function cgroupOf({ folder, path, level }: WorkerCgroup): WorkerCgroup {
  return { folder, path, level };
}

function oomReason(oom: OomEvidence | undefined): ExitReason | undefined {
  return oom && {
    kind: "oom",
    ...(oom.peakBytes !== undefined && { peakBytes: oom.peakBytes }),
    ...(oom.limitBytes > 0 && { limitBytes: oom.limitBytes }),
  };
}
