/**
 * The real host, as the checks of a preflight see it.
 *
 * @module
 */
import { openLibc } from "#ffi/mod.ts";
import type { Config } from "#src/config/mod.ts";
import { type Logger, silentLogger, systemClock } from "#src/core/mod.ts";
import {
  type Check,
  type PreflightHost,
  type PreflightReport,
  runPreflight,
} from "#src/preflight/mod.ts";
import { adoptOrphans, serverIdentity } from "#src/sandbox/mod.ts";
import { findProgram } from "./find_program.ts";
import { firewallProblem } from "./host_firewall.ts";
import { HostPrograms } from "./preflight_programs.ts";
import { DEFAULT_PATH, HostTrials, TrialOwners } from "./preflight_trials.ts";
import { ReadableFiles } from "./readable_files.ts";
import { selfCommand, selfFiles } from "./self_command.ts";

/** A host that was opened for a preflight. */
export interface OpenPreflightHost extends AsyncDisposable {
  /** What the checks get. */
  readonly host: PreflightHost;
}

/**
 * Opens this host for a preflight. Nothing is started before a check asks for it.
 *
 * @param config What is to run.
 * @param options `configPath` is the absolute path of the file, if there is one; `isFirewallSet` is
 * whether this process has set the rules of a managed firewall, false if not given; `log` gets what
 * goes wrong without a check that notices.
 * @returns The host; disposing it ends what is left of the checks.
 * @throws {SyscallError} When the kernel does not say who this process is.
 */
export function openPreflightHost(
  config: Config,
  { configPath, isFirewallSet = false, log = silentLogger }: {
    configPath: string | undefined;
    isFirewallSet?: boolean;
    log?: Logger;
  },
): OpenPreflightHost {
  const opened = new AsyncDisposableStack();
  const libc = opened.use(openLibc());
  const identity = serverIdentity(libc);
  // Not every host has a first process that reaps what sandboxes leave.
  adoptOrphans(libc);
  const owners = opened.use(new TrialOwners(libc, config, { identity }));
  const readable = opened.use(new ReadableFiles({ isOwnUser: !identity.isRoot }));
  const sandboxes = new HostTrials({ libc, config, owners, identity, log });
  const programs = new HostPrograms({ owners, identity });
  opened.defer(async () => {
    // At the same time: they wait for each other's uids.
    await Promise.all([sandboxes, programs].map((it) => it[Symbol.asyncDispose]()));
  });
  const find = (name: string) => findProgram(name, { path: Deno.env.get("PATH") ?? DEFAULT_PATH });
  const host: PreflightHost = {
    config,
    configPath,
    identity,
    roots: { proc: "/proc", etc: "/etc", sys: "/sys" },
    sandboxes,
    firewall: config.firewall.mode === "off"
      ? undefined
      : { isSet: isFirewallSet, problem: () => firewallProblem(config, identity) },
    findProgram: find,
    runProgram: (command, options) => programs.run(command, options),
    inScratchFolder: (action) => programs.inScratchFolder(action),
    async selfInSandbox(args) {
      const { program, args: rest, env } = selfCommand(args);
      return {
        command: [program, ...rest],
        shown: await readable.show(selfFiles()),
        // The folder that it may be told of is the server's own, and not to be written to.
        env: { ...env, DENO_DIR: "/tmp/.deno" },
      };
    },
  };
  return { host, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/**
 * How long what the checks have started may take to end, in milliseconds. It is killed; only what hangs
 * in the kernel, such as on a file system of a server that is away, outlives that.
 */
const CLOSE_TIMEOUT_MS = 5000;

/**
 * Opens this host, carries out a preflight on it, and closes it.
 *
 * @param config What is to run.
 * @param options `configPath`, `isFirewallSet` and `log` as for {@linkcode openPreflightHost};
 * `checks` are what is asked; `signal` gives up, and ends what the checks have started.
 * @returns The report.
 * @throws {SyscallError} As {@linkcode openPreflightHost}.
 * @throws {DOMException} An `AbortError`, when it was given up.
 */
export async function askHost(
  config: Config,
  { configPath, isFirewallSet = false, log = silentLogger, checks, signal }: {
    configPath: string | undefined;
    isFirewallSet?: boolean;
    log?: Logger;
    checks: readonly Check[];
    signal?: AbortSignal;
  },
): Promise<PreflightReport> {
  signal?.throwIfAborted();
  const opened = openPreflightHost(config, { configPath, isFirewallSet, log });
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", onAbort);
  try {
    return await Promise.race([
      aborted.promise,
      runPreflight(opened.host, { checks, clock: systemClock, kernel: Deno.osRelease() }),
    ]);
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await close(opened, log);
  }
}

/** What was found out is not worth less because something does not end. */
async function close(opened: OpenPreflightHost, log: Logger): Promise<void> {
  const waiting = new AbortController();
  const closed = opened[Symbol.asyncDispose]().then(() => true);
  const late = systemClock.sleep(CLOSE_TIMEOUT_MS, { signal: waiting.signal }).then(() => false);
  try {
    if (await Promise.race([closed, late])) return;
    log.error("what the preflight has started does not end", { waitedMs: CLOSE_TIMEOUT_MS });
  } finally {
    waiting.abort();
  }
}
