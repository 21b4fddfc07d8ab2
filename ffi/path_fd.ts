import { AT_FDCWD, O, O_OF_ARCH } from "./constants.ts";
import { cstring } from "./cstring.ts";
import type { Libc } from "./libc.ts";

/**
 * A handle on one file, whatever becomes of its name: neither the file nor its folder is opened for
 * reading or writing. See open(2), O_PATH.
 */
export class PathFd implements Disposable {
  readonly #libc: Libc;
  #fd: number;

  /**
   * Takes hold of a file; a symbolic link at the end of the path is taken itself and not followed.
   *
   * @param libc The C library; must stay open as long as this.
   * @param path The file; absolute, or relative to `from`.
   * @param options `from` is the folder that a relative path begins at; `directory` refuses all but
   * folders.
   * @throws {SyscallError} ENOENT, EACCES; ENOTDIR for no folder.
   * @throws {RangeError} When the path contains NUL.
   * @throws {TypeError} When `from` was disposed of.
   */
  constructor(
    libc: Libc,
    path: string,
    { from, directory = false }: { from?: PathFd; directory?: boolean } = {},
  ) {
    const { DIRECTORY, NOFOLLOW } = O_OF_ARCH[Deno.build.arch];
    const flags = O.PATH | O.CLOEXEC | NOFOLLOW | (directory ? DIRECTORY : 0);
    this.#libc = libc;
    this.#fd = libc.check(
      libc.symbols.openat(from === undefined ? AT_FDCWD : from.#number(), cstring(path), flags, 0),
      "openat",
      path,
    );
  }

  /**
   * Where the kernel shows the file to this process, `/proc/self/fd/N`: who uses this path reaches
   * the very file, see proc_pid_fd(5). It stays the same when another file is put in its place.
   *
   * @throws {TypeError} When this was disposed of.
   */
  get path(): string {
    return `/proc/self/fd/${this.#number()}`;
  }

  /**
   * Holds on to the file of another handle from now on, under the same path, without a moment in
   * between. See dup3(2).
   *
   * @param other The other handle, which stays its own.
   * @throws {SyscallError} When the kernel refuses.
   * @throws {TypeError} When one of the two was disposed of.
   */
  become(other: PathFd): void {
    const { symbols } = this.#libc;
    const result = symbols.dup3(other.#number(), this.#number(), O.CLOEXEC);
    this.#libc.check(result, "dup3", this.#fd);
  }

  /** Lets go of the file; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#fd === -1) return;
    this.#libc.symbols.close(this.#fd);
    this.#fd = -1;
  }

  #number(): number {
    if (this.#fd === -1) throw new TypeError("cannot use the handle on a file: it was closed");
    return this.#fd;
  }
}
