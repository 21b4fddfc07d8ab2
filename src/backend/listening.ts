import { claimPort, type HeldPort, type HoldPort, type SlotAllocator } from "#src/allocator/mod.ts";
import {
  errorMessage,
  type Logger,
  type NetworkMode,
  type Pid,
  type Port,
  type Uid,
} from "#src/core/mod.ts";
import { type SandboxOwner, SOCKET_PATH, type WorkerSocket } from "#src/sandbox/mod.ts";
import type { ListenOn } from "./app_command.ts";
import type { WorkerAddress, WorkerSpec } from "./backend.ts";
import { checkHealth } from "./health.ts";
import { descendants, type SharedSocketTables } from "./proc/mod.ts";
import { releaseOnce } from "./steps.ts";

/** Where a worker listens, from before its sandbox is made until it is forgotten. */
export interface Listening extends Disposable {
  /** The network that its sandbox needs for that. */
  readonly network: NetworkMode;
  /** What its program is told. */
  readonly on: ListenOn;
  /**
   * Where the server reaches it.
   *
   * @throws {Error} Before the sandbox was made, when that depends on it.
   */
  readonly address: WorkerAddress;
  /**
   * Takes what can only be had of a finished sandbox, whose program has not begun.
   *
   * @param initPid The sandbox's first process.
   * @throws {Error} When it cannot be had.
   */
  beforeProgram(initPid: Pid): void;
  /**
   * Looks whether the worker answers, and whether it is really the worker that does.
   *
   * @param pid Its monitor.
   * @returns Undefined when it does, else what was seen; never rejects.
   */
  check(pid: Pid): Promise<string | undefined>;
  /** Notes that it was seen to answer. */
  markReady(): void;
  /**
   * Gives back what others can use when the worker has ended. A second call joins the first.
   *
   * @returns A promise that never rejects.
   */
  release(): Promise<void>;
}

/** What {@linkcode chooseListening} works with. */
export interface ListeningParts {
  /** Where ports come from. */
  readonly ports: SlotAllocator<Port>;
  /** Binds a port while it waits for its worker. */
  readonly holdPort: HoldPort;
  /**
   * Takes hold of the socket of a worker without a network, by the sandbox's first process and the
   * worker's uid.
   */
  readonly openSocket: (initPid: Pid, uid: Uid) => WorkerSocket;
  /** Root of the procfs. */
  readonly proc: string;
  /** The host's sockets. */
  readonly tables: SharedSocketTables;
  /** Gets what cannot be given back. */
  readonly log: Logger;
}

/** Workers on the host's network listen here: its loopback, which no other host reaches. */
const WORKER_HOST = "127.0.0.1";

/**
 * Finds a place for a worker to listen: a port of the host if it has that network, and no port else.
 *
 * @param spec The worker.
 * @param options `owner` is who it runs as; `parts` is what to work with; `signal` gives up.
 * @returns The place. It is to be released when the worker has ended, and disposed of when nobody
 * asks for its address any more.
 * @throws {ExhaustedError} When no port is free.
 * @throws {Error} As {@linkcode claimPort}.
 */
export async function chooseListening(
  { network, cmd }: Pick<WorkerSpec, "network" | "cmd">,
  { owner, parts, signal }: {
    owner: SandboxOwner;
    parts: ListeningParts;
    signal: AbortSignal | undefined;
  },
): Promise<Listening> {
  if (network === "none") return onSocket({ owner, parts });
  const held = await claimPort(parts.ports, parts.holdPort, { signal });
  // R sets SO_REUSEADDR and can listen on a port that is held for it; not every program does.
  return onPort(held, { owner, parts, sharesPort: cmd === undefined });
}

function onPort(
  held: HeldPort,
  { owner, parts, sharesPort }: {
    owner: SandboxOwner;
    parts: ListeningParts;
    sharesPort: boolean;
  },
): Listening {
  const address = { kind: "tcp", hostname: WORKER_HOST, port: held.port } as const;
  const exclusiveUid = owner.exclusive ? owner.uid : undefined;
  return {
    network: "host",
    on: address,
    address,
    beforeProgram() {
      if (!sharesPort) held.unhold();
    },
    check: (pid) => checkHealth({ address, pid, exclusiveUid }, parts),
    markReady: () => held.unhold(),
    release: releaseOnce(() => held.release(), { what: `port ${held.port}`, log: parts.log }),
    [Symbol.dispose]() {},
  };
}

function onSocket(
  { owner, parts }: { owner: SandboxOwner; parts: ListeningParts },
): Listening {
  let made: { socket: WorkerSocket; address: WorkerAddress } | undefined;
  const finished = () => {
    if (made === undefined) throw new Error("the sandbox is not made yet");
    return made;
  };
  return {
    network: "none",
    on: { kind: "unix", path: SOCKET_PATH },
    get address() {
      return finished().address;
    },
    beforeProgram(initPid) {
      const socket = parts.openSocket(initPid, owner.uid);
      const { path, connectPath } = socket;
      made = { socket, address: { kind: "unix", path, connectPath } };
    },
    async check(pid) {
      try {
        return await finished().socket.check(async (peer) => {
          const isOwn = owner.exclusive
            ? peer.uid === owner.uid
            : await isOf(pid, peer.pid, parts.proc);
          return isOwn
            ? undefined
            : `a program of uid ${peer.uid} that is not the worker listens on ${SOCKET_PATH}`;
        });
      } catch (error) {
        return `cannot check ${SOCKET_PATH}: ${errorMessage(error)}`;
      }
    },
    markReady() {},
    release: () => Promise.resolve(),
    [Symbol.dispose]: () => made?.socket[Symbol.dispose](),
  };
}

/** Whether a process is one of those of a monitor. */
async function isOf(monitor: Pid, pid: number, proc: string): Promise<boolean> {
  const own: readonly number[] = await descendants(monitor, { proc });
  return own.includes(pid);
}
