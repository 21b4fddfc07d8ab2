/** libc through FFI, in the test's own process: only calls that it survives unchanged. */
import {
  bindLoopbackPort,
  closeOnExecExcept,
  cstring,
  errnoName,
  getgroups,
  getppid,
  getresgid,
  getresuid,
  getxattr,
  memfd,
  openLibc,
  Pidfd,
  reap,
  SIGNALS,
  SyscallError,
  sysconf,
  writeKernelFile,
} from "#ffi/mod.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

async function output(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command(program, { args }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("ids, groups and the parent are those that the kernel shows", strict, async () => {
  using libc = openLibc();
  const status = await Deno.readTextFile("/proc/self/status");
  const numbers = (name: string) =>
    (new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "").split(/\s+/).filter(Boolean)
      .map(Number);
  const { real, effective, saved } = getresuid(libc);
  assertEquals([real, effective, saved], numbers("Uid").slice(0, 3));
  assertEquals(getresgid(libc).effective, numbers("Gid")[1]);
  assertEquals(getgroups(libc).toSorted(), numbers("Groups").toSorted());
  assertEquals(getppid(libc), numbers("PPid")[0]);
});

Deno.test("sysconf() agrees with getconf", strict, async () => {
  using libc = openLibc();
  assertEquals(sysconf(libc, "CLK_TCK"), Number(await output("getconf", "CLK_TCK")));
  assertEquals(sysconf(libc, "PAGESIZE"), Number(await output("getconf", "PAGESIZE")));
  assertEquals(
    sysconf(libc, "NPROCESSORS_ONLN"),
    Number(await output("getconf", "_NPROCESSORS_ONLN")),
  );
});

Deno.test(
  "a call that fails throws its name, its operand and the name of the error",
  strict,
  () => {
    using libc = openLibc();
    const error = assertThrows(
      () => writeKernelFile(libc, "/nonexistent/procs", "0"),
      SyscallError,
    );
    assertEquals(error.message, "open(/nonexistent/procs) failed: ENOENT");
    assertEquals([error.call, error.errno, error.code], ["open", 2, "ENOENT"]);
    assertEquals(assertThrows(() => closeOnExecExcept(libc, [4000]), SyscallError).code, "EBADF");
    assertEquals(errnoName(98), "EADDRINUSE");
    assertEquals(errnoName(4095), "errno 4095");
  },
);

Deno.test("text with NUL is refused instead of being cut", strict, () => {
  assertThrows(() => cstring("/etc/passwd\0.txt"), RangeError, "it contains NUL");
  assertEquals([...cstring("é")], [0xc3, 0xa9, 0]);
});

Deno.test("memfd() holds its bytes and is read from the start", strict, async () => {
  using libc = openLibc();
  const bytes = new TextEncoder().encode("x".repeat(100_000) + "end");
  const fd = memfd(libc, bytes);
  try {
    assertEquals(await Deno.readFile(`/proc/self/fd/${fd}`), bytes);
    assertEquals(
      await Deno.readTextFile(`/proc/self/fdinfo/${fd}`).then((text) => /^pos:\t0$/m.test(text)),
      true,
    );
  } finally {
    libc.symbols.close(fd);
  }
});

Deno.test("a pidfd reaches its process, and never one that comes after it", strict, async () => {
  using libc = openLibc();
  const child = new Deno.Command("sleep", { args: ["1000"] }).spawn();
  using handle = new Pidfd(libc, child.pid);
  handle.send(0);
  handle.send(SIGNALS.SIGKILL);
  assertEquals((await child.status).signal, "SIGKILL");
  assertEquals(assertThrows(() => handle.send(0), SyscallError).code, "ESRCH");
  assertEquals(assertThrows(() => new Pidfd(libc, child.pid), SyscallError).code, "ESRCH");
});

Deno.test("reap() says that there is nothing to reap, for what is no child", strict, () => {
  using libc = openLibc();
  assertEquals(reap(libc, 1), false);
});

Deno.test("bindLoopbackPort() keeps a port from others, and gives it back", strict, () => {
  using libc = openLibc();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(bindLoopbackPort(libc, listener.addr.port), undefined);
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const hold = bindLoopbackPort(libc, port);
  assert(hold !== undefined);
  // A server, which sets SO_REUSEADDR, can listen on it all the same.
  Deno.listen({ hostname: "127.0.0.1", port }).close();
  const strangers = Array.from(
    { length: 200 },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  assertEquals(strangers.some(({ addr }) => addr.port === port), false);
  strangers.forEach((each) => each.close());
  hold[Symbol.dispose]();
  hold[Symbol.dispose]();
});

Deno.test("getxattr() tells an absent attribute from a file that is not there", strict, () => {
  using libc = openLibc();
  assertEquals(getxattr(libc, "/", "user.blockyard-has-none"), undefined);
  assertEquals(getxattr(libc, "/proc/self", "user.blockyard-has-none"), undefined);
  const error = assertThrows(() => getxattr(libc, "/nonexistent", "user.it"), SyscallError);
  assertEquals(error.message, "getxattr(/nonexistent, user.it) failed: ENOENT");
});

Deno.test("a library that was closed is not closed twice", strict, () => {
  const libc = openLibc();
  libc[Symbol.dispose]();
  libc[Symbol.dispose]();
});
