/**
 * Real sandboxes and uids for the checks of a preflight.
 *
 * @module
 */
import { hasProcesses, type Libc } from "#ffi/mod.ts";
import { MemoryAllocator, UID_SLOTS } from "#src/allocator/mod.ts";
import {
  claimOwner,
  findBusyUids,
  type OwnerPolicy,
  type RunningSandbox,
  type SandboxFrame,
  type SandboxSlots,
  startCommand,
} from "#src/backend/mod.ts";
import {
  type NoWorkerGroups,
  openWorkerGroups,
  type WorkerGroup,
  type WorkerGroups,
} from "#src/cgroup/mod.ts";
import type { Config } from "#src/config/mod.ts";
import { type Logger, newWorkerId, type Pid, systemClock, toAppName } from "#src/core/mod.ts";
import type { ProgramResult, SandboxTrial, SandboxTrials } from "#src/preflight/mod.ts";
import {
  findLandlock,
  type LandlockSupport,
  LauncherPool,
  openSeccompFilter,
  probeHost,
  SandboxedProcess,
  type SeccompFilter,
  type ServerIdentity,
} from "#src/sandbox/mod.ts";
import { BoundedLaunches } from "./bounded_launches.ts";
import { findProgram } from "./find_program.ts";
import { selfCommand } from "./self_command.ts";

/** How many launchers wait for the checks' sandboxes. */
const STANDBY = 3;
/** How many sandboxes and programs under a worker's uid there may be at one time. */
const MAX_TRIALS = 8;
/** How long a program or sandbox may take if nothing is said, in milliseconds. */
export const TRIAL_TIMEOUT_MS = 10_000;
/** How long bwrap may take until a sandbox is finished, in milliseconds; it takes some hundredths of it. */
const START_TIMEOUT_MS = 5000;
/** What the sandboxes of trials are called. */
const TRIAL = toAppName("preflight");
/** What trials are held to besides the limits of their uid: they are over before long. */
const NO_LIMITS = { memoryBytes: 0, cpuCores: 0, pids: 0 };
/** The exit code of what took too long, as of timeout(1). */
const EXIT_TIMEOUT = 124;
/** What the server itself would look for programs in. */
export const DEFAULT_PATH = "/usr/bin:/bin";

/** Hands out uids for trials, none of which a process of this host runs under. */
export class TrialOwners implements AsyncDisposable {
  readonly #openPolicy: () => Promise<OwnerPolicy>;
  #policy: Promise<OwnerPolicy> | undefined;
  readonly #places: number;
  readonly #waiting: (() => void)[] = [];
  #inUse = 0;

  /**
   * Looks at nothing yet; which uids are in use is seen when the first one is asked for.
   *
   * @param libc The C library; must stay open as long as this.
   * @param config What is to run.
   * @param options `identity` is who runs this process, all but root having their own uid only;
   * `proc` is the root of the procfs.
   */
  constructor(
    libc: Libc,
    config: Config,
    { identity, proc = "/proc" }: { identity: ServerIdentity; proc?: string },
  ) {
    const { workerUidRangeStart: start, workerUidRangeEnd: end } = config.process;
    this.#places = identity.isRoot ? Math.min(MAX_TRIALS, end - start + 1) : MAX_TRIALS;
    this.#openPolicy = identity.isRoot
      ? () => exclusiveOwners(libc, config, proc)
      : () => Promise.resolve({ kind: "shared", uid: identity.uid, gid: identity.gid });
  }

  /** Waits for the look at the uids in use, which may be under way although nobody waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([this.#policy]);
  }

  /**
   * Calls a function with an owner of its own, once there is a place.
   *
   * @param action What is to be done under the owner's uid.
   * @returns What the function returns.
   * @throws {ExhaustedError} When no uid is free.
   */
  async use<T>(action: (slots: SandboxSlots) => Promise<T>): Promise<T> {
    if (this.#inUse >= this.#places) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#inUse++;
    }
    try {
      const slots = await claimOwner(await (this.#policy ??= this.#openPolicy()));
      try {
        return await action(slots);
      } finally {
        await slots.release();
      }
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inUse--;
    }
  }
}

async function exclusiveOwners(libc: Libc, config: Config, proc: string): Promise<OwnerPolicy> {
  const { workerUidRangeStart: start, workerUidRangeEnd: end } = config.process;
  const uids = { start, end };
  return {
    kind: "exclusive",
    uids: new MemoryAllocator(UID_SLOTS, uids),
    isBusy: await findBusyUids(uids, {
      proc,
      hasProcesses: (uid) => hasProcesses(libc, uid),
    }),
    gid: config.process.workerGid,
    maxProcesses: config.server.defaultPidsLimit,
  };
}

/** Starts sandboxes as the server does. */
export class HostTrials implements SandboxTrials, AsyncDisposable {
  readonly #libc: Libc;
  readonly #config: Config;
  readonly #owners: TrialOwners;
  readonly #identity: ServerIdentity;
  readonly #log: Logger;
  #launchers: LauncherPool<WorkerGroup> | undefined;
  #launches: BoundedLaunches | undefined;
  readonly #running = new Set<RunningSandbox>();
  readonly #runs = new Set<Promise<void>>();
  #isClosing = false;
  #frame: Promise<SandboxFrame> | undefined;
  #groups: Promise<WorkerGroups | NoWorkerGroups> | undefined;
  #landlock: Promise<LandlockSupport> | undefined;
  #seccomp: Promise<SeccompFilter | undefined> | undefined;

  /**
   * Starts nothing before a trial is run.
   *
   * @param parts What sandboxes are made with.
   */
  constructor(
    parts: {
      libc: Libc;
      config: Config;
      owners: TrialOwners;
      identity: ServerIdentity;
      log: Logger;
    },
  ) {
    this.#libc = parts.libc;
    this.#config = parts.config;
    this.#owners = parts.owners;
    this.#identity = parts.identity;
    this.#log = parts.log;
  }

  /** See {@linkcode SandboxTrials.run}. */
  run(trial: SandboxTrial): Promise<ProgramResult> {
    const result = this.#run(trial);
    const settled = result.then(() => {}, () => {}).finally(() => this.#runs.delete(settled));
    this.#runs.add(settled);
    return result;
  }

  async #run(trial: SandboxTrial): Promise<ProgramResult> {
    const bare = await this.#ready();
    const frame = trial.withoutSeccomp === true ? bare : { ...bare, seccomp: await this.#filter() };
    return await this.#owners.use((slots) => this.#runIn(frame, slots, trial));
  }

  /** See {@linkcode SandboxTrials.canDisableUserns}. */
  async canDisableUserns(): Promise<boolean> {
    return (await this.#ready()).layout.canDisableUserns;
  }

  /** See {@linkcode SandboxTrials.landlock}. */
  landlock(): Promise<LandlockSupport> {
    this.#landlock ??= this.#findBwrap().then((bwrapPath) =>
      findLandlock(this.#libc, { bwrapPath })
    );
    return this.#landlock;
  }

  /** Ends what still runs, and the waiting launchers. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    this.#launches?.end();
    await this.#launchers?.[Symbol.asyncDispose]();
    for (const sandbox of this.#running) sandbox.kill();
    await Promise.allSettled([...this.#runs, this.#frame]);
  }

  /** As the server reads it, which refuses to run without it. */
  #filter(): Promise<SeccompFilter | undefined> {
    const { seccompProfile } = this.#config.process;
    this.#seccomp ??= seccompProfile === undefined
      ? Promise.resolve(undefined)
      : openSeccompFilter(seccompProfile, this.#identity);
    return this.#seccomp;
  }

  /** Once for all: every trial needs to know what a sandbox here can be made of. */
  #ready(): Promise<SandboxFrame> {
    this.#frame ??= this.#open();
    return this.#frame;
  }

  async #findBwrap(): Promise<string> {
    const name = this.#config.process.bwrapPath;
    const path = Deno.env.get("PATH") ?? DEFAULT_PATH;
    const bwrapPath = await findProgram(name, { path });
    if (bwrapPath === undefined) throw new Error(`cannot make a sandbox: ${name} is no program`);
    return bwrapPath;
  }

  async #open(): Promise<SandboxFrame> {
    const bwrapPath = await this.#findBwrap();
    const canLandlock = (await this.landlock()).kind === "scoped";
    if (this.#isClosing) throw new Error("cannot make a sandbox: the preflight is over");
    const launchers = this.#startLaunchers();
    const attach = (monitorPid: Pid) => SandboxedProcess.of(this.#libc, monitorPid);
    const [layout, groups] = await Promise.all([
      this.#owners.use(({ owner }) =>
        probeHost({ launchers, attach, bwrapPath, owner, canLandlock })
      ),
      this.#openGroups(),
    ]);
    return {
      launchers,
      attach,
      proc: "/proc",
      clock: systemClock,
      log: this.#log,
      layout,
      bwrapPath,
      groups: groups.kind === "none" ? undefined : groups,
      seccomp: undefined,
    };
  }

  #startLaunchers(): BoundedLaunches {
    this.#launchers = new LauncherPool(selfCommand(["bwrap-exec", "--wait"]), {
      standby: STANDBY,
      // The last ones would be started for nobody.
      refill: false,
      newGroup: () => this.#newGroup(),
      log: this.#log,
    });
    this.#launches = new BoundedLaunches(this.#launchers, {
      timeoutMs: START_TIMEOUT_MS,
      clock: systemClock,
      log: this.#log,
    });
    return this.#launches;
  }

  /** Beside those of workers, for rules that go by group; nothing is moved for trials. */
  #openGroups(): Promise<WorkerGroups | NoWorkerGroups> {
    this.#groups ??= openWorkerGroups({
      roots: { proc: "/proc" },
      isRoot: this.#identity.isRoot,
      handsDown: false,
    });
    return this.#groups;
  }

  async #newGroup(): Promise<WorkerGroup | undefined> {
    const groups = await this.#openGroups();
    return groups.kind === "none" ? undefined : await groups.create(newWorkerId(TRIAL), NO_LIMITS);
  }

  async #runIn(
    frame: SandboxFrame,
    slots: SandboxSlots,
    trial: SandboxTrial,
  ): Promise<ProgramResult> {
    const { command, network = "host", shown = [], env = {}, whileRunning } = trial;
    const { timeoutMs = TRIAL_TIMEOUT_MS } = trial;
    const toolTrees = shown.map((it) =>
      typeof it === "string"
        ? { source: it, target: it, readOnly: true }
        : { ...it, readOnly: true }
    );
    const sandbox = await startCommand({
      id: newWorkerId(TRIAL),
      command,
      network,
      app: { kind: "none" },
      mounts: [],
      env,
      workDir: "/tmp",
      runtime: { rPath: "", binFolders: [], toolTrees },
    }, { slots, frame, limits: NO_LIMITS });
    this.#running.add(sandbox);
    sandbox.emptied.then(() => this.#running.delete(sandbox));
    if (this.#isClosing) sandbox.kill();
    const timer = new AbortController();
    const timedOut = systemClock.sleep(timeoutMs, { signal: timer.signal })
      .then(() => !timer.signal.aborted);
    const watched = (whileRunning?.({
      uid: slots.owner.uid,
      gid: slots.owner.gid,
      monitorPid: sandbox.pid,
      initPid: sandbox.initPid,
      end: () => sandbox.kill(),
    }) ?? Promise.resolve()).then(() => undefined, (error: unknown) => ({ error }));
    const cutShort = await Promise.race([sandbox.ended.then(() => false), timedOut]);
    timer.abort();
    if (cutShort) sandbox.kill();
    const { code } = await sandbox.ended;
    await sandbox.emptied;
    const failure = await watched;
    if (failure !== undefined) throw failure.error;
    const text = (wanted: "stdout" | "stderr") =>
      sandbox.log.tail().filter(({ stream }) => stream === wanted)
        .map((line) => `${line.text}\n`).join("");
    return { code: cutShort ? EXIT_TIMEOUT : code, stdout: text("stdout"), stderr: text("stderr") };
  }
}
