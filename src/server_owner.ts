/**
 * Who this server is among the servers of its host, and which of the others are gone.
 *
 * @module
 */
import { readIfThere } from "#src/read_if_there.ts";

/** A server process of a host, as its claims name it. */
export interface ServerOwner extends ServerProcess {
  /** The machine, by its machine id: 32 hexadecimal digits. */
  readonly hostId: string;
  /** This server, new with each start. */
  readonly serverId: string;
}

/** A process that no later process of the host is taken for. */
export interface ServerProcess {
  /** Its process id, in its own pid namespace. */
  readonly pid: number;
  /**
   * `BOOT:NAMESPACE:TICKS`: the host's boot id, the inode of the pid namespace that `pid` belongs
   * to, and when the process was started, in clock ticks since boot.
   */
  readonly startedAt: string;
}

/** Where the kernel and the system say who is who. */
export interface OwnerRoots {
  /** The root of the procfs, `/proc` if not given. */
  readonly proc?: string;
  /** Where the machine id may be, the first that is there counts; see machine-id(5). */
  readonly machineIdPaths?: readonly string[];
}

/** D-Bus had a machine id before systemd; the two are the same where both are, machine-id(5). */
const MACHINE_ID_PATHS = ["/etc/machine-id", "/var/lib/dbus/machine-id"];

/**
 * Finds out who this server is.
 *
 * @param roots Where to look.
 * @returns This process, with a server id of its own for every call.
 * @throws {Error} When the host has no machine id, or its procfs cannot be read.
 */
export async function readServerOwner(roots: OwnerRoots = {}): Promise<ServerOwner> {
  const { proc = "/proc", machineIdPaths = MACHINE_ID_PATHS } = roots;
  const hostId = await readMachineId(machineIdPaths);
  return { hostId, serverId: crypto.randomUUID(), ...await readServerProcess({ proc }) };
}

/**
 * Finds out which process this is, which needs no machine id.
 *
 * @param roots Where to look.
 * @returns This process.
 * @throws {Error} When the procfs cannot be read.
 */
export async function readServerProcess(
  { proc = "/proc" }: OwnerRoots = {},
): Promise<ServerProcess> {
  const { pid, ticks } = parseStat(await Deno.readTextFile(`${proc}/self/stat`));
  return { pid, startedAt: `${await readScope(proc)}:${ticks}` };
}

/**
 * Makes the judgement on other servers of this host. Which processes there are can be told of this
 * boot and of this pid namespace alone: a container that shares the host's machine id has other
 * processes under the same ids, so that its servers are never said to be gone before a reboot.
 *
 * @param roots Where to look.
 * @returns Whether a process may still run; false only when it is certain that it does not.
 * @throws {Error} When the procfs does not say which boot and pid namespace this is.
 */
export async function livenessOfServers(
  { proc = "/proc" }: OwnerRoots = {},
): Promise<(process: ServerProcess) => Promise<boolean>> {
  const ours = await readScope(proc);
  const ourBoot = ours.slice(0, ours.indexOf(":"));
  return async ({ pid, startedAt }) => {
    const [, scope, boot, ticks] = /^((.+):\d+):(\d+)$/.exec(startedAt) ?? [];
    if (scope === undefined) return true;
    if (boot !== ourBoot) return false;
    if (scope !== ours) return true;
    const text = await readIfThere(`${proc}/${pid}/stat`);
    // A procfs with hidepid= shows nothing of other users, not even the first process.
    if (text === undefined) return await readIfThere(`${proc}/1/stat`) === undefined;
    const found = parseStat(text);
    return String(found.ticks) === ticks && !found.hasEnded;
  };
}

async function readMachineId(paths: readonly string[]): Promise<string> {
  const found: string[] = [];
  for (const path of paths) {
    const text = (await readIfThere(path))?.trim();
    if (text === undefined) continue;
    if (/^[0-9a-f]{32}$/.test(text)) return text;
    found.push(`${path} holds ${text === "" ? "nothing" : JSON.stringify(text.slice(0, 40))}`);
  }
  const problem = found.length > 0 ? found.join(", ") : `there is no ${paths.join(" and no ")}`;
  throw new Error(
    `cannot tell this host from others: ${problem}, want 32 hexadecimal digits that no other host ` +
      'has; "systemd-machine-id-setup" or "dbus-uuidgen --ensure=/etc/machine-id" makes them',
  );
}

/** Which boot this is, random_boot_id in proc(5), and which pid namespace, pid_namespaces(7). */
async function readScope(proc: string): Promise<string> {
  const boot = (await Deno.readTextFile(`${proc}/sys/kernel/random/boot_id`)).trim();
  const namespace = /^pid:\[(\d+)\]$/.exec(await Deno.readLink(`${proc}/self/ns/pid`))?.[1];
  if (!/^[0-9a-f-]{36}$/.test(boot) || namespace === undefined) {
    throw new Error(`cannot tell which boot and pid namespace this is: want a procfs at ${proc}`);
  }
  return `${boot}:${namespace}`;
}

/** Of proc_pid_stat(5) the fields 1, 3, 20 and 22; the second may hold brackets and spaces. */
function parseStat(text: string): { pid: number; ticks: number; hasEnded: boolean } {
  const fields = text.slice(text.lastIndexOf(")") + 2).trimEnd().split(" ");
  const [pid, threads, ticks] = [text.split(" ", 1)[0], fields[17], fields[19]].map(Number);
  if (!Number.isInteger(pid) || !Number.isInteger(threads) || !Number.isInteger(ticks)) {
    throw new Error(`cannot read ${JSON.stringify(text.slice(0, 80))}: want a /proc/PID/stat`);
  }
  // The first thread of a process can end before the others do.
  const hasEnded = /^[ZXx]$/.test(fields[0] ?? "") && Number(threads) <= 1;
  return { pid: Number(pid), ticks: Number(ticks), hasEnded };
}
