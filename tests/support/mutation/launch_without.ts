/**
 * A launcher that does not carry out one of the steps that it should: a function of the C library that
 * its first argument names does nothing and says that all is well. `syscall:NAME` and `prctl:NUMBER`
 * name one use of these; an empty argument names none.
 *
 * @module
 */
import { Libc, LIBC_SYMBOLS, type LibcFunctions, openLibc, SYSCALL_NUMBERS } from "#ffi/mod.ts";
import { become, releaseStdin } from "#src/sandbox/bwrap_exec/become.ts";
import { type LaunchJob, parseJob } from "#src/sandbox/bwrap_exec/job.ts";
import { readLineSync } from "#src/sandbox/bwrap_exec/read_line.ts";

function main([without = ""]: readonly string[]): number {
  try {
    const line = readLineSync(Deno.stdin);
    if (line === undefined) return 0;
    const job = parseJob(line);
    const libc = openLibc();
    if (job.lifeline === "signal") releaseStdin(libc);
    become(lacking(libc, without, job), job);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`${message}\n`));
    return 126;
  }
}

function lacking(libc: Libc, without: string, job: LaunchJob): Libc {
  const functions: Record<string, unknown> = Object.fromEntries(
    Object.keys(LIBC_SYMBOLS).map((name) => [name, libc.symbols[name as keyof LibcFunctions]]),
  );
  const [name = "", use] = without.split(":");
  if (name === "syscall") {
    const number = Object.entries(SYSCALL_NUMBERS[Deno.build.arch]).find(([each]) => each === use);
    if (number === undefined) throw new Error(`there is no system call ${use}`);
    const real = libc.symbols.syscall;
    functions[name] = (...args: Parameters<LibcFunctions["syscall"]>) =>
      args[0] === BigInt(number[1]) ? 0n : real(...args);
  } else if (name === "prctl") {
    const real = libc.symbols.prctl;
    functions[name] = (...args: Parameters<LibcFunctions["prctl"]>) =>
      args[0] === Number(use) ? 0 : real(...args);
  } else if (name === "getppid") {
    functions[name] = () => job.parent;
  } else if (name !== "") {
    if (!(name in functions)) throw new Error(`there is no function ${name}`);
    functions[name] = () => 0;
  }
  return new Libc(functions as unknown as LibcFunctions);
}

if (import.meta.main) Deno.exit(main(Deno.args));
