/**
 * Lists how a process differs from one that has only the ids it was given (proc_pid_status(5)).
 *
 * @param status The text of its `status` in /proc.
 * @param ids The uid and the gid on the host that it was given.
 * @returns What is wrong, each as words with the value seen.
 */
export function statusFaults(
  status: string,
  { uid, gid }: { uid: number; gid: number },
): string[] {
  const faults: string[] = [];
  const expected = {
    Uid: `${uid} ${uid} ${uid} ${uid}`,
    Gid: `${gid} ${gid} ${gid} ${gid}`,
    Groups: "",
    CapEff: "0000000000000000",
    NoNewPrivs: "1",
  };
  for (const [key, wanted] of Object.entries(expected)) {
    const got = field(status, key);
    if (got !== wanted) faults.push(`${key} ${got ?? "unknown"}`);
  }
  return faults;
}

/**
 * Tells whether a process has ended and waits for being reaped.
 *
 * @param status The text of its `status` in /proc.
 * @returns Whether it is a zombie, or does not say.
 */
export function hasEnded(status: string): boolean {
  return /^([ZX]|$)/.test(field(status, "State") ?? "");
}

function field(status: string, key: string): string | undefined {
  return new RegExp(`^${key}:[ \\t]*(.*)$`, "m").exec(status)?.[1]?.trim().replaceAll("\t", " ");
}
