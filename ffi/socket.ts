import { SOCKET } from "./constants.ts";
import { SyscallError } from "./errno.ts";
import type { Libc } from "./libc.ts";

/**
 * Binds a TCP port of 127.0.0.1 without listening, with SO_REUSEADDR: nobody can be given the port
 * by chance, programs that listen on it are noticed, and a program that sets SO_REUSEADDR as servers
 * do can still bind and listen. See socket(7).
 *
 * @param libc The C library; must stay open as long as the result.
 * @param port 1 to 65535.
 * @returns The hold, given up by disposing it; undefined when another program holds the port.
 * @throws {SyscallError} For any other failure, such as EACCES for a privileged port.
 */
export function bindLoopbackPort(libc: Libc, port: number): Disposable | undefined {
  const type = SOCKET.SOCK_STREAM | SOCKET.SOCK_CLOEXEC;
  const fd = libc.check(libc.symbols.socket(SOCKET.AF_INET, type, 0), "socket", "AF_INET");
  try {
    const on = Int32Array.of(1);
    libc.check(
      libc.symbols.setsockopt(fd, SOCKET.SOL_SOCKET, SOCKET.SO_REUSEADDR, on, on.byteLength),
      "setsockopt",
      "SO_REUSEADDR",
    );
    // struct sockaddr_in: family in host order; port and address in network order.
    const address = new Uint8Array(16);
    const view = new DataView(address.buffer);
    view.setUint16(0, SOCKET.AF_INET, true);
    view.setUint16(2, port, false);
    view.setUint32(4, 0x7f00_0001, false);
    libc.check(libc.symbols.bind(fd, address, address.length), "bind", `127.0.0.1:${port}`);
  } catch (error) {
    libc.symbols.close(fd);
    if (error instanceof SyscallError && error.code === "EADDRINUSE") return undefined;
    throw error;
  }
  let open = true;
  return {
    [Symbol.dispose]() {
      if (!open) return;
      open = false;
      libc.symbols.close(fd);
    },
  };
}
