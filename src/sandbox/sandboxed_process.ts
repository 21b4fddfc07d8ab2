import { becomeSubreaper, type Libc, Pidfd, reap, type SignalName, SIGNALS } from "#ffi/mod.ts";
import { type Pid, toPid } from "#src/core/mod.ts";

/**
 * Makes this process the parent of what a sandbox leaves behind: bwrap's monitor ends without
 * waiting for the rest, and not every host has a first process that reaps orphans.
 *
 * @param libc The C library.
 * @throws {SyscallError} When the kernel refuses.
 */
export function adoptOrphans(libc: Libc): void {
  becomeSubreaper(libc);
}

/**
 * Finds the first process of a sandbox whose program has come to the gate.
 *
 * @param monitorPid bwrap's outer process, whose only child it is.
 * @param options `procRoot` is where the host's processes are looked up, `/proc`.
 * @returns Its id on the host; undefined when the sandbox has ended.
 * @throws {Error} When the procfs cannot be read.
 */
export function findSandboxInit(
  monitorPid: Pid,
  { procRoot = "/proc" }: { procRoot?: string } = {},
): Pid | undefined {
  return childrenOf(procRoot, monitorPid)[0];
}

/**
 * The processes of one running sandbox, for signals: bwrap's monitor is on the outside, the first
 * process of the pid namespace is bwrap's reaper, and the app is the reaper's first child.
 * A signal goes through a pidfd, so that it never reaches a stranger who was given the same number.
 */
export class SandboxedProcess implements Disposable {
  readonly #libc: Libc;
  /** Undefined when there is nothing to reach: the sandbox is gone, or was let go. */
  #init: Pidfd | undefined;
  readonly #procRoot: string;
  #appPid: Pid | undefined;

  /**
   * Takes hold of a sandbox.
   *
   * @param libc The C library; must stay open as long as this.
   * @param initPid The first process of its pid namespace, see {@linkcode findSandboxInit}.
   * @param options `procRoot` is where the host's processes are looked up, `/proc`.
   * @throws {SyscallError} When the kernel refuses. A sandbox that is gone already is no error.
   */
  constructor(
    libc: Libc,
    readonly initPid: Pid,
    { procRoot = "/proc" }: { procRoot?: string } = {},
  ) {
    this.#libc = libc;
    this.#procRoot = procRoot;
    try {
      this.#init = new Pidfd(libc, initPid);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  /**
   * Takes hold of the sandbox of a monitor.
   *
   * @param libc The C library; must stay open as long as what is returned.
   * @param monitorPid bwrap's outer process; its program has come to the gate.
   * @returns The sandbox; undefined when it has ended.
   * @throws {SyscallError} When the kernel refuses.
   */
  static of(libc: Libc, monitorPid: Pid): SandboxedProcess | undefined {
    const initPid = findSandboxInit(monitorPid);
    return initPid && new SandboxedProcess(libc, initPid);
  }

  /**
   * Finds the app.
   *
   * @returns Its process id on the host; undefined when it has not started yet or has ended.
   */
  appPid(): Pid | undefined {
    // The first child ever seen is the app: others are its orphans, which come later.
    this.#appPid ??= this.#children()[0];
    return this.#appPid;
  }

  /**
   * Sends a signal to the app itself, neither to bwrap nor to the app's children.
   *
   * @param signal Which one.
   * @returns Whether there was an app to send it to.
   * @throws {SyscallError} When the kernel refuses.
   */
  signalApp(signal: SignalName): boolean {
    const pid = this.#init && this.appPid();
    if (pid === undefined) return false;
    return whileItExists(() => {
      using app = new Pidfd(this.#libc, pid);
      // Checked behind the pidfd: what is a child of the reaper now is what the pidfd holds.
      if (!this.#children().includes(pid)) return false;
      app.send(SIGNALS[signal]);
      return true;
    });
  }

  /**
   * Tells whether the app has ended, which the first process of the sandbox may take its time to
   * see: it has to share the processor with whatever the app has started.
   *
   * @returns Whether it was seen before and runs no more.
   * @throws {Error} When the procfs cannot be read.
   */
  hasAppEnded(): boolean {
    const pid = this.#appPid;
    if (pid === undefined) return false;
    if (!this.#children().includes(pid)) return true;
    return "ZX".includes(stateOf(`${this.#procRoot}/${pid}/stat`));
  }

  /**
   * Tells whether the first process of the sandbox sleeps. Behind the start of the app it does so
   * only while it waits for the app to end, by when its life is bound to the monitor's.
   *
   * @returns False while it is busy, and when it is gone.
   */
  isWaiting(): boolean {
    return stateOf(`${this.#procRoot}/${this.initPid}/stat`) === "S";
  }

  /**
   * Kills every process of the sandbox: the kernel does so when the first one of the namespace dies.
   *
   * @returns Whether there was anything to kill.
   * @throws {SyscallError} When the kernel refuses.
   */
  kill(): boolean {
    const init = this.#init;
    return init !== undefined && whileItExists(() => {
      init.send(SIGNALS.SIGKILL);
      return true;
    });
  }

  /**
   * Tells whether the first process of the sandbox lives. When it does not, no other does either:
   * the kernel ends all processes of a namespace before its first one becomes a zombie.
   *
   * @returns False once it is a zombie or gone.
   * @throws {SyscallError} When the kernel refuses.
   */
  isAlive(): boolean {
    const init = this.#init;
    if (init === undefined) return false;
    // Behind the pidfd, the number still means this process, if only as a zombie.
    const exists = whileItExists(() => {
      init.send(0);
      return true;
    });
    return exists && !"ZX".includes(stateOf(`${this.#procRoot}/${this.initPid}/stat`));
  }

  /** Lets go of the sandbox: reaps it if it is a zombie, and cannot reach it any more. */
  [Symbol.dispose](): void {
    if (this.#init === undefined) return;
    reap(this.#libc, this.initPid);
    this.#init[Symbol.dispose]();
    this.#init = undefined;
  }

  #children(): Pid[] {
    return childrenOf(this.#procRoot, this.initPid);
  }
}

/** The children of a process with one thread. */
function childrenOf(procRoot: string, pid: Pid): Pid[] {
  try {
    return Deno.readTextFileSync(`${procRoot}/${pid}/task/${pid}/children`).split(" ")
      .filter((text) => text !== "").map((text) => toPid(Number(text)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isGone(error)) return [];
    throw error;
  }
}

function whileItExists(action: () => boolean): boolean {
  try {
    return action();
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** The state stands behind the program's name, which is in parentheses; see proc_pid_stat(5). */
function stateOf(statPath: string): string {
  try {
    const stat = Deno.readTextFileSync(statPath);
    return stat.charAt(stat.lastIndexOf(")") + 2);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isGone(error)) return "X";
    throw error;
  }
}

/** So do system calls fail, and reading below /proc, for a process that is no more. */
function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ESRCH";
}
