/**
 * Lists how a process differs from one that has only the ids it was given (proc_pid_status(5)).
 *
 * @param status The text of its `status` in /proc.
 * @param ids The uid and the gid on the host that it was given.
 * @returns What is wrong, each as words with the value seen; a process that has ended is wrong too.
 */
export function statusFaults(
  status: string,
  { uid, gid }: { uid: number; gid: number },
): string[] {
  const value = (key: string) =>
    new RegExp(`^${key}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim().replaceAll("\t", " ");
  const faults: string[] = [];
  const state = value("State");
  if (state === undefined || /^[ZX]/.test(state)) faults.push(`state ${state ?? "unknown"}`);
  const expected = {
    Uid: `${uid} ${uid} ${uid} ${uid}`,
    Gid: `${gid} ${gid} ${gid} ${gid}`,
    Groups: "",
    CapEff: "0000000000000000",
    NoNewPrivs: "1",
  };
  for (const [key, wanted] of Object.entries(expected)) {
    const got = value(key);
    if (got !== wanted) faults.push(`${key} ${got ?? "unknown"}`);
  }
  return faults;
}
