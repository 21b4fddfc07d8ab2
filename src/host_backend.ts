/**
 * Puts the backend of this host together.
 *
 * @module
 */
import { bindLoopbackPort, hasProcesses, type Libc, openLibc } from "#ffi/mod.ts";
import {
  type ClaimOwner,
  type HostSlots,
  type IsLive,
  openSlots,
  type SlotRange,
} from "#src/allocator/mod.ts";
import {
  type Backend,
  claimOwner,
  enforcedLimits,
  findBusyUids,
  type OwnerPolicy,
  ProcessBackend,
  type ResourceLimits,
} from "#src/backend/mod.ts";
import { openWorkerGroups, type WorkerGroup, type WorkerGroups } from "#src/cgroup/mod.ts";
import type { ProcessConfig, StoreConfig } from "#src/config/mod.ts";
import {
  errorMessage,
  type Logger,
  newWorkerId,
  NotFoundError,
  type Pid,
  systemClock,
  toAppName,
} from "#src/core/mod.ts";
import {
  adoptOrphans,
  findLandlock,
  type HostLayout,
  type LandlockSupport,
  LauncherPool,
  openSeccompFilter,
  probeHost,
  SandboxedProcess,
  type ServerIdentity,
  serverIdentity,
  WorkerSocket,
} from "#src/sandbox/mod.ts";
import { findProgram } from "./find_program.ts";
import { selfCommand } from "./self_command.ts";
import { livenessOfServers, readServerOwner } from "./server_owner.ts";

/** A backend on this host, and what was found out about the host. */
export interface HostBackend extends AsyncDisposable {
  /** Runs workers. */
  readonly backend: Backend;
  /** Who the server is. */
  readonly identity: ServerIdentity;
  /** Isolation that this host or this user cannot give, each in a sentence; empty if none. */
  readonly missingLayers: readonly string[];
}

/** Where the kernel tells about processes. */
const PROC = "/proc";
/** What the names of the cgroups of sandboxes begin with. */
const GROUP_PREFIX = toAppName("sandbox");

/**
 * Opens the backend of this host. Disposing it stops every worker.
 *
 * @param config How workers are run.
 * @param options `limits` are what a worker is held to whose app says nothing of it; `store` is
 * where ports and uids are claimed, this process if not given; `cgroups` is whether workers get
 * groups of their own where they can, true if not given; `log` gets what happens.
 * @returns The backend, after a sandbox was seen to work.
 * @throws {NotFoundError} When bwrap or R is not installed.
 * @throws {StoreUnavailableError} When the store does not answer, or takes no changes.
 * @throws {ExhaustedError} When other servers of this host hold every uid.
 * @throws {Error} When no sandbox can be made on this host, or the store refuses.
 */
export async function openBackend(
  config: ProcessConfig,
  { limits, store = { kind: "memory" }, cgroups = true, log }: {
    limits: ResourceLimits;
    cgroups?: boolean;
    store?: StoreConfig;
    log: Logger;
  },
): Promise<HostBackend> {
  await using opened = new AsyncDisposableStack();
  const libc = opened.use(openLibc());
  const identity = serverIdentity(libc);
  adoptOrphans(libc);
  const bwrapPath = await requireProgram(config.bwrapPath, "bubblewrap", "process.bwrap_path");
  const rPath = await requireProgram(config.rPath, "R", "process.r_path");
  const seccomp = config.seccompProfile && await openSeccompFilter(config.seccompProfile, identity);

  // Before any launcher is started, so that all of them are where this process is.
  const groups = cgroups ? await workerGroups(identity, log) : undefined;
  const sweeping = groups && sweepGroups(groups, log);
  opened.defer(() => sweeping);
  const launchers = opened.use(
    new LauncherPool(selfCommand(["bwrap-exec", "--wait"]), {
      standby: config.standbyLaunchers,
      newGroup: groups && (() => newGroup(groups, limits)),
      log,
    }),
  );
  const slots = opened.use(
    await openSlots(store, {
      ports: { start: config.portRangeStart, end: config.portRangeEnd },
      ...(identity.isRoot && { uids: uidRange(config) }),
      identify,
      log,
      clock: systemClock,
    }),
  );
  await takeBackOrphans(slots, log);
  const owners = await ownerPolicy(slots, {
    identity,
    config,
    maxProcesses: limits.pids,
    libc,
  });
  const attach = (monitorPid: Pid) => SandboxedProcess.of(libc, monitorPid);
  const landlock = await findLandlock(libc, { bwrapPath });
  const canLandlock = landlock.kind === "scoped";
  const layout = await probeLayout(owners, { launchers, attach, bwrapPath, canLandlock, seccomp });
  const backend = new ProcessBackend({
    frame: {
      launchers,
      attach,
      proc: PROC,
      clock: systemClock,
      log,
      layout,
      bwrapPath,
      groups,
      seccomp,
    },
    owners,
    ports: slots.ports,
    holdPort: (port) => bindLoopbackPort(libc, port),
    openSocket: (initPid, uid) => new WorkerSocket(libc, initPid, { uid, procRoot: PROC }),
    rPath,
    rigBase: config.rigBase,
    limits,
  });
  opened.defer(() => backend.close());
  const closing = opened.move();
  return {
    backend,
    identity,
    missingLayers: missingLayers(identity, {
      layout,
      groups,
      landlock,
      isFiltered: seccomp !== undefined,
    }),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

function uidRange(config: ProcessConfig): SlotRange {
  return { start: config.workerUidRangeStart, end: config.workerUidRangeEnd };
}

/** Who this server is for the others of its host. */
async function identify(): Promise<{ owner: ClaimOwner; isLive: IsLive }> {
  return { owner: await readServerOwner(), isLive: await livenessOfServers() };
}

/** Before anything is claimed: what a killed server held may be all that there is. */
async function takeBackOrphans({ kind, ports, uids }: HostSlots, log: Logger): Promise<void> {
  const freed = await ports.reclaimOrphans() + (await uids?.reclaimOrphans() ?? 0);
  log.debug("slots are open", { store: kind });
  if (freed > 0) log.info("slots of servers that are gone were taken back", { slots: freed });
}

async function ownerPolicy(
  { uids }: HostSlots,
  { identity, config, maxProcesses, libc }: {
    identity: ServerIdentity;
    config: ProcessConfig;
    maxProcesses: number;
    libc: Libc;
  },
): Promise<OwnerPolicy> {
  if (uids === undefined) return { kind: "shared", uid: identity.uid, gid: identity.gid };
  return {
    kind: "exclusive",
    uids,
    isBusy: await findBusyUids(uidRange(config), {
      proc: PROC,
      hasProcesses: (uid) => hasProcesses(libc, uid),
    }),
    gid: config.workerGid,
    maxProcesses,
  };
}

/** Looks what a sandbox can be made of, under a uid that no worker has, of whichever server. */
async function probeLayout(
  owners: OwnerPolicy,
  parts: Omit<Parameters<typeof probeHost>[0], "owner">,
): Promise<HostLayout> {
  const slots = await claimOwner(owners);
  try {
    return await probeHost({ ...parts, owner: slots.owner });
  } finally {
    await slots.release();
  }
}

async function requireProgram(name: string, what: string, key: string): Promise<string> {
  const path = await findProgram(name, { path: Deno.env.get("PATH") ?? "/usr/bin:/bin" });
  if (path !== undefined) return path;
  throw new NotFoundError(
    `cannot find ${what}: "${name}" is no program, install it or set ${key} to its absolute path`,
  );
}

/** A host without groups still runs workers; what they cannot be held to is told as missing. */
async function workerGroups(
  { isRoot }: ServerIdentity,
  log: Logger,
): Promise<WorkerGroups | undefined> {
  const groups = await openWorkerGroups({ roots: { proc: PROC }, isRoot, log });
  if (groups.kind === "none") {
    log.info("workers get no cgroups of their own", { reason: groups.reason });
    return undefined;
  }
  const { kind, folder, controllers } = groups;
  log.debug("cgroups of workers are open", { kind, folder, controllers });
  return groups;
}

/** A group for a launcher whose worker is not known yet: it has the limits that most workers have. */
function newGroup(groups: WorkerGroups, defaults: ResourceLimits): Promise<WorkerGroup> {
  const limits = enforcedLimits({ memoryBytes: 0, cpuCores: 0 }, { defaults, groups });
  return groups.create(newWorkerId(GROUP_PREFIX), limits);
}

/** What servers left behind that were killed; it takes a second when there is something. */
async function sweepGroups(groups: WorkerGroups, log: Logger): Promise<void> {
  try {
    const swept = await groups.sweep();
    if (swept > 0) log.info("cgroups of servers that are gone were removed", { cgroups: swept });
  } catch (error) {
    log.warn("cannot look for cgroups of servers that are gone", { error: errorMessage(error) });
  }
}

function missingLayers(
  { isRoot, groups: ids }: ServerIdentity,
  { layout, groups, landlock, isFiltered }: {
    layout: HostLayout;
    groups: WorkerGroups | undefined;
    landlock: LandlockSupport;
    isFiltered: boolean;
  },
): string[] {
  const missing: string[] = [];
  if (!isRoot) {
    missing.push(
      "not root: workers run under the server's own user id, not one each, so that the file system " +
        "and process view of the sandbox are all that keeps them apart",
    );
    if (groups === undefined || groups.lacking.some(({ name }) => name === "pids")) {
      missing.push("not root: the number of a worker's processes is not limited");
    }
    if (ids.length > 0) {
      missing.push(`not root: workers keep the server's groups ${ids.join(", ")}`);
    }
  }
  if (groups === undefined) {
    missing.push("no cgroups: memory and processor time of workers are not limited");
  }
  for (const { name, reason } of groups?.lacking ?? []) {
    if (name !== "pids") missing.push(`workers are not limited in ${name}: ${reason}`);
  }
  if (!layout.canDisableUserns) {
    missing.push("this host does not let bwrap forbid further user namespaces inside the sandbox");
  }
  if (!isFiltered) {
    missing.push("system calls of workers are not filtered: process.seccomp_profile is none");
  }
  if (landlock.kind === "none") {
    missing.push(
      `workers on the host network reach its abstract unix sockets: ${landlock.reason}`,
    );
  }
  return missing;
}
