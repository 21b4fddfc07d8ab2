/** Error numbers by name, from asm-generic/errno-base.h and errno.h (x86-64 and aarch64 agree). */
const NAMES: readonly string[] = [
  ...["", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF"],
  ...["ECHILD", "EAGAIN", "ENOMEM", "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV"],
  ...["ENODEV", "ENOTDIR", "EISDIR", "EINVAL", "ENFILE", "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG"],
  ...["ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK"],
  ...["ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP"],
];
const MORE_NAMES: Readonly<Record<number, string>> = {
  61: "ENODATA",
  75: "EOVERFLOW",
  93: "EPROTONOSUPPORT",
  95: "EOPNOTSUPP",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  105: "ENOBUFS",
  111: "ECONNREFUSED",
  122: "EDQUOT",
  126: "ENOKEY",
};

/**
 * Names an error number of this system.
 *
 * @param errno A positive error number, as in errno(3).
 * @returns Its name such as `EPERM`, or `errno N` for one without a name.
 */
export function errnoName(errno: number): string {
  return NAMES[errno] || MORE_NAMES[errno] || `errno ${errno}`;
}

/** A call into libc that failed. */
export class SyscallError extends Error {
  /** The class, for callers that branch. */
  override readonly name = "SyscallError";

  /**
   * Describes a failed call.
   *
   * @param call The C function, such as `setresuid`.
   * @param errno The error number that it left.
   * @param operand What it was called with, as far as it helps the reader: an id, a path.
   */
  constructor(
    readonly call: string,
    readonly errno: number,
    readonly operand: string | number = "",
  ) {
    super(`${call}(${operand}) failed: ${errnoName(errno)}`);
  }

  /** The error's name, such as `EPERM`. */
  get code(): string {
    return errnoName(this.errno);
  }
}
