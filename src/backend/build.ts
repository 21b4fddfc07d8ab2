import type { BuildResult, BuildSpec, LogLine, ResourceLimits } from "./backend.ts";
import { canonicalBinds } from "./mounts.ts";
import type { RRuntime } from "./r_runtime.ts";
import type { RunningSandbox } from "./running_sandbox.ts";
import { type SandboxFrame, startCommand } from "./sandboxed_command.ts";
import { claimOwner, type OwnerPolicy } from "./slots.ts";
import { releaseOnce, stepsOf } from "./steps.ts";

/** What a build is carried out with. */
export interface BuildParts {
  /** What its sandbox is made of. */
  readonly frame: SandboxFrame;
  /** Who it runs as. */
  readonly owners: OwnerPolicy;
  /** What it is held to. */
  readonly limits: ResourceLimits;
  /** Finds the R of a version. */
  readonly runtime: (version: string) => Promise<RRuntime>;
  /** Gets every line as it comes. */
  readonly onLog: ((line: LogLine) => void) | undefined;
  /** Cancels the build. */
  readonly signal: AbortSignal;
}

/**
 * Runs a command to its end in a sandbox.
 *
 * @param spec What to run.
 * @param parts What it is carried out with.
 * @returns How it ended.
 * @throws {Error} When a step before the command's first instruction failed; all is undone then.
 */
export async function runBuild(spec: BuildSpec, parts: BuildParts): Promise<BuildResult> {
  const { frame, owners, limits, onLog, signal } = parts;
  const step = stepsOf(`cannot start build ${spec.id}`, undefined);
  if (signal.aborted) return { outcome: "cancelled", exitCode: -1, log: [] };

  const runtime = await step("find R", () => parts.runtime(spec.rVersion));
  const mounts = await step("open the mounts", () => canonicalBinds(spec.mounts));
  const slots = await step("claim a uid", () => claimOwner(owners));
  const release = releaseOnce(slots.release, { what: `uid ${slots.owner.uid}`, log: frame.log });
  let sandbox: RunningSandbox;
  try {
    sandbox = await step("start the sandbox", () =>
      startCommand({
        id: spec.id,
        command: spec.cmd,
        network: "host",
        app: { kind: "none" },
        mounts,
        env: spec.env,
        workDir: spec.workDir ?? "/tmp",
        runtime,
      }, { slots, frame, limits }));
  } catch (error) {
    await release();
    throw error;
  }
  const released = sandbox.emptied.then(release);

  const following = follow(sandbox, onLog);
  const cutShort = await killAfter(sandbox, { signal, timeoutMs: spec.timeoutMs, frame });
  const { code } = await sandbox.ended;
  await following;
  if (!sandbox.isLingering) await released;
  const log = sandbox.log.tail();
  return cutShort === undefined
    ? { outcome: "finished", exitCode: code, log }
    : { outcome: cutShort, exitCode: -1, log };
}

async function follow(
  sandbox: RunningSandbox,
  onLog: ((line: LogLine) => void) | undefined,
): Promise<void> {
  if (onLog === undefined) return;
  for await (const line of sandbox.log.read({ follow: true })) onLog(line);
}

/** Waits for the end of a command, and brings it about when it is cancelled or takes too long. */
async function killAfter(
  sandbox: RunningSandbox,
  { signal, timeoutMs, frame }: { signal: AbortSignal; timeoutMs: number; frame: SandboxFrame },
): Promise<"cancelled" | "timeout" | undefined> {
  const waiting = new AbortController();
  const either = AbortSignal.any([signal, waiting.signal]);
  const outcome = await Promise.race([
    sandbox.ended.then(() => "ended" as const),
    frame.clock.sleep(timeoutMs, { signal: either }).then(() =>
      signal.aborted ? "cancelled" as const : "timeout" as const
    ),
  ]);
  waiting.abort();
  if (outcome === "ended") return undefined;
  sandbox.kill();
  return outcome;
}
