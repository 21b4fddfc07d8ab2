import { cstring } from "./cstring.ts";
import { errnoName, SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/** The longest value that is read, in bytes; what is asked for are words. */
const VALUE_BYTES = 256;

/** There is none of that name, or the file system has no attributes; see xattr(7). */
const ABSENT = ["ENODATA", "EOPNOTSUPP"];

/**
 * Reads an extended attribute of a file; links are followed. Calling thread only. See getxattr(2).
 *
 * @param libc The C library.
 * @param path The file.
 * @param name The attribute with its namespace, such as `user.delegate`. One of `trusted` is absent
 * for who lacks CAP_SYS_ADMIN.
 * @returns Its value as text; undefined when the file has none of that name.
 * @throws {SyscallError} When it cannot be read, ERANGE when it is longer than 256 bytes.
 * @throws {RangeError} When a string contains NUL.
 */
export function getxattr(libc: Libc, path: string, name: string): string | undefined {
  const value = new Uint8Array(VALUE_BYTES);
  const length = Number(
    libc.symbols.getxattr(cstring(path), cstring(name), value, BigInt(VALUE_BYTES)),
  );
  if (length === -1) {
    const errno = libc.errno();
    if (ABSENT.includes(errnoName(errno))) return undefined;
    throw new SyscallError("getxattr", errno, `${path}, ${name}`);
  }
  return new TextDecoder().decode(value.subarray(0, length));
}
