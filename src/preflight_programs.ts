import type { PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import type { ServerIdentity } from "#src/sandbox/mod.ts";
import { TRIAL_TIMEOUT_MS, type TrialOwners } from "./preflight_trials.ts";
import { runProgram } from "./run_program.ts";
import { selfCommand } from "./self_command.ts";

/** Where folders for trials go, which workers have to come to: TMPDIR may be this user's alone. */
const TMP = "/tmp";

/** What checks do outside of sandboxes: run programs, and try things in a folder. */
export class HostPrograms implements AsyncDisposable {
  readonly #owners: TrialOwners;
  readonly #identity: ServerIdentity;
  readonly #ending = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  /**
   * Runs nothing yet.
   *
   * @param parts `owners` has the uids of workers; `identity` is who runs this process.
   */
  constructor({ owners, identity }: { owners: TrialOwners; identity: ServerIdentity }) {
    this.#owners = owners;
    this.#identity = identity;
  }

  /** See {@linkcode PreflightHost.runProgram}. */
  run(
    command: readonly string[],
    options: NonNullable<Parameters<PreflightHost["runProgram"]>[1]> = {},
  ): Promise<ProgramResult> {
    return this.#track(() => this.#run(command, options));
  }

  /** See {@linkcode PreflightHost.inScratchFolder}. */
  inScratchFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
    return this.#track(async () => {
      const folder = await Deno.makeTempDir({ dir: TMP, prefix: "blockyard-preflight-" });
      try {
        // A worker comes in by the names that it is told; the mask of this process must not decide that.
        await Deno.chmod(folder, 0o711);
        return await action(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    });
  }

  /** Kills the programs, and waits until nothing is left of what was done with them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("the preflight is over"));
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  async #track<T>(action: () => Promise<T>): Promise<T> {
    this.#ending.signal.throwIfAborted();
    const result = action();
    this.#underWay.add(result);
    try {
      return await result;
    } finally {
      this.#underWay.delete(result);
    }
  }

  async #run(
    command: readonly string[],
    { timeoutMs = TRIAL_TIMEOUT_MS, env = {}, input, asWorker }: NonNullable<
      Parameters<PreflightHost["runProgram"]>[1]
    >,
  ): Promise<ProgramResult> {
    const options = { timeoutMs, env, input, signal: this.#ending.signal };
    if (asWorker !== true || !this.#identity.isRoot) return await runProgram(command, options);
    return await this.#owners.use(({ owner: { uid, gid } }) => {
      const ids = ["--uid", String(uid), "--gid", String(gid)];
      const self = selfCommand(["bwrap-exec", ...ids, "--", ...command]);
      const all = { ...self.env, ...env };
      return runProgram([self.program, ...self.args], { ...options, env: all });
    });
  }
}
