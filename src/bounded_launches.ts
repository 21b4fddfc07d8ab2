import type { WorkerGroup } from "#src/cgroup/mod.ts";
import { type Clock, errorMessage, type Logger } from "#src/core/mod.ts";
import type { LaunchedProcess, LauncherPool } from "#src/sandbox/mod.ts";

/** What hands a job to a launcher. */
export type Launches = Pick<LauncherPool<WorkerGroup>, "launch">;

/**
 * Hands out processes only when their programs are at the gate, and kills those that do not come there
 * in time: whatever stands in bwrap's place may wait for ever.
 */
export class BoundedLaunches implements Launches {
  readonly #launches: Launches;
  readonly #options: { timeoutMs: number; clock: Clock; log: Logger };
  readonly #ending = new AbortController();

  /**
   * Launches nothing yet.
   *
   * @param launches What launches.
   * @param options `timeoutMs` is how long the way to the gate may take, in milliseconds; `clock` is
   * what it is taken from; `log` gets what cannot be cleared away.
   */
  constructor(launches: Launches, options: { timeoutMs: number; clock: Clock; log: Logger }) {
    this.#launches = launches;
    this.#options = options;
  }

  /**
   * Hands a job to a launcher, and waits until its program is at the gate.
   *
   * @param args As for {@linkcode LauncherPool.launch}.
   * @returns The process, which is at the gate or has ended.
   * @throws {Error} As {@linkcode LauncherPool.launch}, and when it was killed.
   */
  async launch(
    ...args: Parameters<Launches["launch"]>
  ): Promise<LaunchedProcess<WorkerGroup>> {
    const { timeoutMs, clock } = this.#options;
    const child = await this.#launches.launch(...args);
    const waiting = new AbortController();
    const signal = AbortSignal.any([waiting.signal, this.#ending.signal]);
    const isInTime = await Promise.race([
      child.atGate.then(() => true),
      clock.sleep(timeoutMs, { signal }).then(() => false),
    ]);
    waiting.abort();
    if (isInTime) return child;
    await this.#bury(child);
    throw new Error(
      this.#ending.signal.aborted
        ? "cannot make a sandbox: the preflight is over"
        : `bwrap did not start the program within ${timeoutMs / 1000} s`,
    );
  }

  /** Kills those that are on their way to the gate, now and later. */
  end(): void {
    this.#ending.abort();
  }

  async #bury({ group, status, stdout, stderr, ...child }: LaunchedProcess<WorkerGroup>) {
    child.kill();
    try {
      // What has left the process group is in this one.
      await group?.kill();
      await Promise.all([status, stdout.cancel(), stderr.cancel()]);
      await group?.remove();
    } catch (error) {
      const fields = { cgroup: group?.folder, error: errorMessage(error) };
      this.#options.log.error("cannot clear away a sandbox that did not start", fields);
    }
  }
}
