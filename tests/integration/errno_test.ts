/** What a call has left in errno, with a libc that lets it be overwritten. */
import { hasProcesses, Libc, type LibcFunctions, openLibc, SyscallError } from "#ffi/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const root = needs({ root: true });
const strict = { sanitizeOps: true, sanitizeResources: true };
const ENOENT = 2;
const ESRCH = 3;

/** A libc whose system calls fail, each with the next of these in errno; the last one stays. */
function failing(...errnos: number[]): { libc: Libc; errno: Int32Array<ArrayBuffer> } {
  const errno = new Int32Array(1);
  const functions = {
    __errno_location: () => Deno.UnsafePointer.of(errno),
    syscall() {
      errno[0] = errnos.length > 1 ? errnos.shift() ?? 0 : errnos[0] ?? 0;
      return -1n;
    },
  };
  return { libc: new Libc(functions as unknown as LibcFunctions), errno };
}

Deno.test("errno is read before a message is made of the arguments", strict, () => {
  const { libc, errno } = failing(ESRCH);
  const uid = {
    valueOf: () => 7,
    toString() {
      errno[0] = ENOENT;
      return "7";
    },
  };
  const error = assertThrows(
    () => libc.syscall("getpriority", 2, uid as unknown as number),
    SyscallError,
  );
  assertEquals(error.message, "getpriority(2, 7) failed: ESRCH");
});

Deno.test("a user has no processes also when errno was overwritten once", strict, () => {
  assertEquals(hasProcesses(failing(ENOENT, ESRCH).libc, 7), false);
  assertThrows(() => hasProcesses(failing(ENOENT).libc, 7), SyscallError, "ENOENT");
});

Deno.test("the kernel knows who has processes", root, async () => {
  using libc = openLibc();
  const uid = 1_937_000_001;
  assertEquals(hasProcesses(libc, uid), false);
  const child = new Deno.Command("/bin/sleep", { args: ["60"], uid }).spawn();
  await until(() => hasProcesses(libc, uid), { what: "it is seen" });
  child.kill("SIGKILL");
  await child.status;
  await until(() => !hasProcesses(libc, uid), { what: "it is gone" });
});
