/**
 * Writes what Linux 6.18 says of a process in `/proc/PID/status`, as far as it is read.
 *
 * @param process `savedUid` is its saved uid, `uid` if not given; `state` its state's line.
 * @returns The text.
 */
export function statusOf(
  { pid, uid, savedUid = uid, state = "S (sleeping)" }: {
    pid: number;
    uid: number;
    savedUid?: number;
    state?: string;
  },
): string {
  return [
    "Name:\tsleep",
    `State:\t${state}`,
    `Pid:\t${pid}`,
    "PPid:\t1",
    `Uid:\t${uid}\t${uid}\t${savedUid}\t${uid}`,
    `Gid:\t${uid}\t${uid}\t${uid}\t${uid}`,
    "Groups:\t ",
    `NSpid:\t${pid}`,
    "VmRSS:\t    1916 kB",
    "",
  ].join("\n");
}
