import type { Pid } from "#src/core/mod.ts";
import type { GroupLimits } from "./limits.ts";
import type { GroupUsage } from "./usage.ts";

/** The group of one worker. */
export interface WorkerGroup {
  /** Absolute path of its folder. */
  readonly folder: string;
  /**
   * Its path below the cgroup v2 mount, without a slash in front: what nftables' `socket cgroupv2`
   * and iptables' `-m cgroup --path` want.
   */
  readonly path: string;
  /** How deep it is below the root of the cgroup namespace, for nftables' `level`; 1 or above. */
  readonly level: number;
  /** What it is held to, as the kernel took it. */
  readonly limits: GroupLimits;

  /**
   * Moves a process with all its threads into the group. What it starts from then on is in it, too.
   *
   * @param pid The process.
   * @throws {CgroupError} When the kernel refuses; ESRCH when there is no such process.
   */
  add(pid: number): Promise<void>;

  /**
   * Changes what the group is held to. Where it already uses more memory than that, the kernel
   * takes back what it can and then kills the worker.
   *
   * @param limits The new limits. That of processes is passed over where groups do not have the
   * controller `pids`: RLIMIT_NPROC holds workers there.
   * @returns The limits as the kernel took them; it rounds memory down to pages.
   * @throws {RangeError} When a limit is none, see {@linkcode checkLimits}.
   * @throws {NotSupportedError} When a limit is not 0 and groups do not have its controller; then
   * nothing is changed.
   * @throws {CgroupError} When the kernel refuses.
   */
  setLimits(limits: GroupLimits): Promise<GroupLimits>;

  /**
   * Reads what the group used.
   *
   * @returns What the kernel counts; nothing of it for a group that is gone.
   * @throws {CgroupError} When a file is there and cannot be read.
   * @throws {SyntaxError} When its content is not understood.
   */
  usage(): Promise<GroupUsage>;

  /**
   * Reads which processes are in the group.
   *
   * @returns Their ids; none for a group that is gone.
   * @throws {CgroupError} When it cannot be read.
   * @throws {SyntaxError} When it is not understood.
   */
  pids(): Promise<Pid[]>;

  /**
   * Reads how many processes of the group were killed because memory ran out, be it the group's or
   * the host's.
   *
   * @returns How many; 0 where the kernel does not count them, and for a group that is gone.
   * @throws {CgroupError} When it cannot be read.
   * @throws {SyntaxError} When it is not understood.
   */
  oomKills(): Promise<number>;

  /**
   * Kills every process of the group and of groups below it at once, those that are being started
   * included. They are gone a moment later.
   *
   * @returns Whether it was done; false where the kernel cannot, before Linux 5.14.
   * @throws {CgroupError} When the kernel refuses.
   */
  kill(): Promise<boolean>;

  /**
   * Tells whether there are processes in the group or in groups below it; zombies are none.
   *
   * @returns Whether there are; false for a group that is gone.
   * @throws {CgroupError} When it cannot be read.
   * @throws {SyntaxError} When it is not understood.
   */
  isPopulated(): Promise<boolean>;

  /**
   * Removes the group and those below it, waiting up to two seconds for processes that are ending.
   * It is no error when it is gone already.
   *
   * @throws {CgroupError} When that fails; EBUSY when there still are processes in it.
   */
  remove(): Promise<void>;
}
