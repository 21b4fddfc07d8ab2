import type { Libc } from "./libc.ts";

/** A handle on one process that never comes to mean another one. */
export class Pidfd implements Disposable {
  readonly #libc: Libc;
  #fd: number;

  /**
   * Opens a handle. See pidfd_open(2); Linux 5.3.
   *
   * @param libc The C library.
   * @param pid A process id. Check after opening that it is still the process that was meant.
   * @throws {SyscallError} ESRCH when there is no such process.
   */
  constructor(libc: Libc, pid: number) {
    this.#libc = libc;
    this.#fd = libc.syscall("pidfd_open", pid, 0);
  }

  /**
   * Sends a signal. See pidfd_send_signal(2).
   *
   * @param signal The signal's number.
   * @throws {SyscallError} ESRCH when the process has ended, EPERM.
   */
  send(signal: number): void {
    this.#libc.syscall("pidfd_send_signal", this.#fd, signal, 0, 0);
  }

  /** Closes the handle; a second call does nothing. */
  [Symbol.dispose](): void {
    if (this.#fd === -1) return;
    this.#libc.symbols.close(this.#fd);
    this.#fd = -1;
  }
}
