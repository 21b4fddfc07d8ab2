/** One process of a made-up procfs. */
export interface FakeProcess {
  readonly pid: number;
  readonly ppid?: number;
  readonly comm?: string;
  /** `S` if not given. */
  readonly state?: string;
  /** Real, effective, saved and file system uid; all the same for a single number. */
  readonly uid?: number | readonly [number, number, number, number];
  readonly cpuTicks?: number;
  readonly reapedCpuTicks?: number;
  readonly startTicks?: number;
  /** What smaps_rollup says; without it there is no such file. */
  readonly pssKib?: number;
  readonly rssKib?: number;
  /** Children by thread; the first thread has the number of the process. */
  readonly threads?: Readonly<Record<number, FakeThread>>;
  /** Where its file descriptors lead. */
  readonly fds?: Readonly<Record<number, string>>;
}

/** One thread of a process. */
export interface FakeThread {
  /** Pids; `null` leaves the file out, as on a kernel that has none. */
  readonly children: readonly number[] | null;
  readonly state?: string;
}

/** A made-up procfs in a temporary folder, that removes itself. */
export interface FakeProc extends AsyncDisposable {
  readonly proc: string;
  /** Writes a process, also over one that is there. */
  put(process: FakeProcess): Promise<void>;
  /** Takes a process away. */
  kill(pid: number): Promise<void>;
  /** Writes any file, by its path below the root. */
  write(path: string, text: string): Promise<void>;
}

/** Makes a procfs with some processes. */
export async function fakeProc(...processes: readonly FakeProcess[]): Promise<FakeProc> {
  const proc = await Deno.makeTempDir({ prefix: "blockyard-proc-" });
  const write = async (path: string, text: string) => {
    await Deno.mkdir(`${proc}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeTextFile(`${proc}/${path}`, text);
  };
  const kill = (pid: number) => Deno.remove(`${proc}/${pid}`, { recursive: true });
  const put = async (process: FakeProcess) => {
    const { pid } = process;
    await kill(pid).catch(() => {});
    await write(`${pid}/stat`, statText(process));
    await write(`${pid}/status`, statusText(process));
    if (process.pssKib !== undefined) {
      await write(
        `${pid}/smaps_rollup`,
        `55d0-7fff ---p 00000000 00:00 0    [rollup]\nRss:    9999 kB\n` +
          `Pss:    ${process.pssKib} kB\nPss_Anon:    1 kB\n`,
      );
    }
    for (const [tid, thread] of Object.entries(process.threads ?? { [pid]: { children: [] } })) {
      const state = thread.state ?? process.state ?? "S";
      await write(`${pid}/task/${tid}/stat`, statText({ ...process, pid: Number(tid), state }));
      await write(`${pid}/task/${tid}/status`, statusText({ ...process, pid: Number(tid), state }));
      if (thread.children !== null) {
        const children = thread.children.map((child) => `${child} `).join("");
        await write(`${pid}/task/${tid}/children`, children);
      }
    }
    await Deno.mkdir(`${proc}/${pid}/fd`);
    for (const [fd, target] of Object.entries(process.fds ?? {})) {
      await Deno.symlink(target, `${proc}/${pid}/fd/${fd}`);
    }
  };
  for (const process of processes) await put(process);
  await write("uptime", "1.00 1.00\n");
  return {
    proc,
    put,
    kill,
    write,
    [Symbol.asyncDispose]: () => Deno.remove(proc, { recursive: true }),
  };
}

/** The text of a stat file, with 52 fields as Linux 6.1 writes them. */
export function statText(process: FakeProcess): string {
  const { pid, comm = "R", state = "S", ppid = 1, cpuTicks = 0, reapedCpuTicks = 0 } = process;
  const times = [
    Math.ceil(cpuTicks / 2),
    Math.floor(cpuTicks / 2),
    Math.ceil(reapedCpuTicks / 2),
    Math.floor(reapedCpuTicks / 2),
  ];
  return `${pid} (${comm}) ${state} ${ppid} 9010 7214 0 -1 4194304 101 0 0 0 ` +
    `${times.join(" ")} 20 0 1 0 ${process.startTicks ?? 1000 + pid} 3133440 414 ` +
    `18446744073709551615 94883891843072 94883891862953 140735208436544 0 0 0 0 0 0 0 0 0 17 0 0 0 ` +
    `0 0 0 94883891878960 94883891880576 94884073082880 140735208438466 140735208438486 ` +
    `140735208438486 140735208439787 0\n`;
}

/** The text of a status file, shortened to lines of several kinds. */
export function statusText(process: FakeProcess): string {
  const { pid, comm = "R", state = "S", ppid = 1, uid = 0, rssKib } = process;
  const uids = typeof uid === "number" ? [uid, uid, uid, uid] : uid;
  const memory = rssKib === undefined ? "" : `VmHWM:\t 99999 kB\nVmRSS:\t   ${rssKib} kB\n`;
  return `Name:\t${comm}\nUmask:\t0022\nState:\t${state} (some word)\nTgid:\t${pid}\nNgid:\t0\n` +
    `Pid:\t${pid}\nPPid:\t${ppid}\nTracerPid:\t0\nUid:\t${uids.join("\t")}\nGid:\t7\t8\t9\t10\n` +
    `FDSize:\t64\nGroups:\t \nNStgid:\t${pid}\t1\nNSpid:\t${pid}\t1\n${memory}Threads:\t1\n` +
    `CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n`;
}
