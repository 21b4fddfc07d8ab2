import { SOCKET } from "./constants.ts";
import { cstring } from "./cstring.ts";
import type { Libc } from "./libc.ts";

/** Who called listen(2) for a socket, as this process's namespaces show it. */
export interface PeerCredentials {
  /** The process; 0 for one that this process's pid namespace does not show. */
  readonly pid: number;
  /** Its effective user id. */
  readonly uid: number;
  /** Its effective group id. */
  readonly gid: number;
}

/** `sun_path` of struct sockaddr_un with its closing NUL, from linux/un.h. */
const SUN_PATH_BYTES = 108;

/**
 * Connects to a unix socket, asks the kernel who listens there, and hangs up. Calling thread only;
 * it never waits. See SO_PEERCRED in unix(7).
 *
 * @param libc The C library.
 * @param path The socket; links in the path are followed.
 * @returns Who listens.
 * @throws {SyscallError} ECONNREFUSED when nobody does, EAGAIN when as many connections as the
 * listener allows wait to be accepted.
 * @throws {RangeError} When the path does not fit into an address.
 */
export function unixPeer(libc: Libc, path: string): PeerCredentials {
  const name = cstring(path);
  if (name.length > SUN_PATH_BYTES) {
    throw new RangeError(`cannot connect to ${path}: want at most ${SUN_PATH_BYTES - 1} bytes`);
  }
  const type = SOCKET.SOCK_STREAM | SOCKET.SOCK_CLOEXEC | SOCKET.SOCK_NONBLOCK;
  const fd = libc.check(libc.symbols.socket(SOCKET.AF_UNIX, type, 0), "socket", "AF_UNIX");
  try {
    // struct sockaddr_un: family in host order, then the path.
    const address = new Uint8Array(2 + name.length);
    new DataView(address.buffer).setUint16(0, SOCKET.AF_UNIX, true);
    address.set(name, 2);
    libc.check(libc.symbols.connect(fd, address, address.length), "connect", path);
    // struct ucred: pid, uid, gid.
    const credentials = new Uint32Array(3);
    const length = Uint32Array.of(credentials.byteLength);
    libc.check(
      libc.symbols.getsockopt(fd, SOCKET.SOL_SOCKET, SOCKET.SO_PEERCRED, credentials, length),
      "getsockopt",
      "SO_PEERCRED",
    );
    const [pid = 0, uid = 0, gid = 0] = credentials;
    return { pid, uid, gid };
  } finally {
    libc.symbols.close(fd);
  }
}
