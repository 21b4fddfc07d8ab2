import { type Libc, memfd } from "#ffi/mod.ts";
import type { JobArg, LaunchJob } from "#src/sandbox/mod.ts";

/** A descriptor of this process that a child inherits, and its number. */
interface InheritedFd extends Disposable {
  readonly fd: number;
}

/**
 * Runs a job's program with the same ids and the same arguments, by setpriv(1) and without
 * blockyard. What the launcher would make descriptors of is made ready before the clock starts.
 *
 * @param libc The C library.
 * @param job What a launcher would be told.
 * @param nowNs Tells the time, in nanoseconds.
 * @returns When it was started, and the whole standard output.
 * @throws {Error} When it fails, with what it said.
 */
export async function runBare(
  libc: Libc,
  job: Pick<LaunchJob, "uid" | "gid" | "program" | "args">,
  nowNs: () => bigint,
): Promise<{ sinceNs: bigint; output: string }> {
  using fds = new DisposableStack();
  const args = job.args.map((arg) => realize(libc, arg, fds));
  const ids = ["--reuid", String(job.uid), "--regid", String(job.gid), "--clear-groups"];
  const command = new Deno.Command("setpriv", {
    args: [...ids, "--", job.program, ...args],
    clearEnv: true,
    cwd: "/",
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const sinceNs = nowNs();
  const child = command.spawn();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`the bare sandbox failed: ${new TextDecoder().decode(stderr)}`);
  return { sinceNs, output: new TextDecoder().decode(stdout) };
}

function realize(libc: Libc, arg: JobArg, fds: DisposableStack): string {
  if (typeof arg === "string") return arg;
  let text = "";
  if ("data" in arg) text = arg.data;
  else if ("list" in arg) text = arg.list.map((item) => realize(libc, item, fds) + "\0").join("");
  // Where the launcher would repeat its own output, a file in memory takes bwrap's report.
  return String(fds.use(inherited(libc, text)).fd);
}

function inherited(libc: Libc, text: string): InheritedFd {
  const fd = memfd(libc, new TextEncoder().encode(text), { closeOnExec: false });
  return { fd, [Symbol.dispose]: () => libc.check(libc.symbols.close(fd), "close", fd) };
}
