import { type Libc, PathFd, type PeerCredentials, SyscallError, unixPeer } from "#ffi/mod.ts";
import type { Pid, Uid } from "#src/core/mod.ts";
import { SOCKET_FOLDER, SOCKET_NAME, SOCKET_PATH } from "./socket_folder.ts";

/** Tells what is wrong with who listens; undefined when nothing is. */
export type JudgePeer = (
  peer: PeerCredentials,
) => string | undefined | Promise<string | undefined>;

/**
 * The socket of a worker without a network, as the server reaches it.
 *
 * The folder belongs to the worker, which may put anything into it: a link to a socket of the host
 * would make the server speak to that one with its own rights. So nothing is ever reached by a path
 * through the folder. The folder is taken hold of before the program runs; what has the socket's name
 * in it is taken hold of without following a link; and connections are made to that very file, once
 * it was seen to be a socket of the worker that the worker listens on.
 */
export class WorkerSocket implements Disposable {
  /**
   * Where the socket is on the host, for people: `/proc/PID/root/…`, to be entered only by who may
   * trace the worker (proc_pid_root(5)).
   */
  readonly path: string;
  readonly #libc: Libc;
  readonly #uid: Uid;
  readonly #folder: PathFd;
  readonly #device: number;
  /** The folder, which refuses connections, until a socket was found to be good. */
  readonly #pin: PathFd;
  #pinned: number | null = null;

  /**
   * Takes hold of the folder.
   *
   * @param libc The C library; must stay open as long as this.
   * @param initPid The first process of the sandbox, whose program has not begun.
   * @param options `uid` is the worker's on the host; `procRoot` is where the host's processes are
   * looked up, `/proc`.
   * @throws {SyscallError} When the folder is not there, or EACCES when this process may not trace
   * the worker.
   * @throws {Error} When the folder is not the worker's.
   */
  constructor(
    libc: Libc,
    initPid: Pid,
    { uid, procRoot = "/proc" }: { uid: Uid; procRoot?: string },
  ) {
    const root = `${procRoot}/${initPid}/root`;
    using opened = new DisposableStack();
    this.path = `${root}${SOCKET_PATH}`;
    this.#libc = libc;
    this.#uid = uid;
    this.#folder = opened.use(new PathFd(libc, `${root}${SOCKET_FOLDER}`, { directory: true }));
    this.#pin = opened.use(new PathFd(libc, ".", { from: this.#folder }));
    const info = Deno.statSync(this.#folder.path);
    if (info.uid !== uid) {
      throw new Error(`cannot use ${SOCKET_FOLDER}: it belongs to uid ${info.uid}, want ${uid}`);
    }
    this.#device = info.dev;
    opened.move();
  }

  /**
   * What to connect to: the socket that was last found to be good, whatever has its name by now.
   * Connections are refused as long as there was none. The path stays the same.
   *
   * @throws {TypeError} When this was disposed of.
   */
  get connectPath(): string {
    return this.#pin.path;
  }

  /**
   * Looks whether the worker listens. A socket that it has made anew takes the place of the one that
   * was good before; anything else that has the name by now does not.
   *
   * @param judge Decides about who listens.
   * @returns What is wrong; undefined when it listens.
   * @throws {SyscallError} When the kernel refuses for another reason than what is there.
   * @throws {TypeError} When this was disposed of.
   */
  async check(judge: JudgePeer): Promise<string | undefined> {
    using found = this.#find();
    if (found.problem === undefined) {
      const problem = await this.#problemWith(found.file, judge);
      if (problem === undefined) {
        this.#pin.become(found.file);
        this.#pinned = found.inode;
        return undefined;
      }
      if (this.#pinned === null || this.#pinned === found.inode) return problem;
    } else if (this.#pinned === null) {
      return found.problem;
    }
    return await this.#problemWith(this.#pin, judge);
  }

  /** Lets go of the folder and the socket; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#pin[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }

  /** What has the socket's name; a handle on it, if it is a socket that the worker made here. */
  #find():
    & Disposable
    & (
      | { readonly problem: string }
      | { readonly problem: undefined; readonly file: PathFd; readonly inode: number | null }
    ) {
    const refused = (what: string) => ({
      problem: `${SOCKET_PATH} ${what}`,
      [Symbol.dispose]() {},
    });
    using opened = new DisposableStack();
    let file: PathFd;
    try {
      file = opened.use(new PathFd(this.#libc, SOCKET_NAME, { from: this.#folder }));
    } catch (error) {
      if (error instanceof SyscallError && error.code === "ENOENT") return refused("is not there");
      throw error;
    }
    // The path of a handle on a link leads to the link itself.
    const { isSocket, uid, dev, ino } = Deno.statSync(file.path);
    if (!isSocket) return refused("is no socket");
    if (uid !== this.#uid) return refused(`belongs to uid ${uid}, want ${this.#uid}`);
    if (dev !== this.#device) return refused("is on another file system than its folder");
    const closing = opened.move();
    return { problem: undefined, file, inode: ino, [Symbol.dispose]: () => closing.dispose() };
  }

  async #problemWith(file: PathFd, judge: JudgePeer): Promise<string | undefined> {
    let peer: PeerCredentials;
    try {
      peer = unixPeer(this.#libc, file.path);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === "ECONNREFUSED") return `nothing listens on ${SOCKET_PATH}`;
      if (error.code === "EAGAIN") return `nothing accepts connections on ${SOCKET_PATH}`;
      throw error;
    }
    return await judge(peer);
  }
}
