import { fileURLToPath } from "node:url";
import type { Backend, ExitReason } from "#src/backend/mod.ts";
import { run } from "#scripts/support/run.ts";
import { wholeLog, workerSpec } from "#tests/support/host_backend.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";

/** A system call, by its number, with up to six arguments. */
export interface RawCall {
  /** Its number. */
  readonly number: number;
  /** Its arguments; what is left out is 0. */
  readonly args: readonly (number | bigint)[];
}

/** A compiled program that makes system calls from inside workers. */
export interface RawCalls {
  /**
   * Makes calls, one after the other, in a worker.
   *
   * @param backend Who runs the worker.
   * @param calls The calls.
   * @returns The error number of each, 0 for none.
   */
  errnos(backend: Backend, calls: readonly RawCall[]): Promise<number[]>;
  /**
   * Runs the program in another of its roles.
   *
   * @param backend Who runs the worker.
   * @param role What it is called on the program's command line.
   * @returns What it wrote, and how it ended.
   */
  run(backend: Backend, role: "foreign" | "usual"): Promise<{ lines: string[]; exit: ExitReason }>;
}

/**
 * Compiles the program.
 *
 * @param folder Where it goes.
 * @returns The program.
 * @throws {Error} When the compiler fails.
 */
export async function compileRawCalls(folder: TempFolder): Promise<RawCalls> {
  const source = fileURLToPath(new URL("raw_calls.c", import.meta.url));
  const app = await folder.folder("raw_calls");
  await run("gcc", ["-O1", "-Wall", "-Werror", "-pthread", "-o", `${app}/raw_calls`, source]);
  await Deno.chmod(`${app}/raw_calls`, 0o755);
  const runIn = async (backend: Backend, args: readonly string[]) => {
    const spec = workerSpec({
      source: { kind: "directory", path: app },
      cmd: ["/app/raw_calls", ...args],
    });
    await backend.spawn(spec);
    const log = await wholeLog(backend, spec.id);
    return { lines: log.map(({ text }) => text), exit: await backend.exited(spec.id) };
  };
  return {
    run: (backend, role) => runIn(backend, [role]),
    async errnos(backend, calls) {
      const text = calls.map(({ number, args }) => {
        const all = Array.from({ length: 6 }, (_, index) => BigInt(args[index] ?? 0));
        return `${[BigInt(number), ...all].map((value) => value.toString(16)).join(" ")}\n`;
      }).join("");
      const name = `calls_${crypto.randomUUID()}`;
      await folder.write(`raw_calls/${name}`, text);
      const { lines } = await runIn(backend, ["calls", `/app/${name}`]);
      const found = lines.map((line) => Number(/^errno (\d+)$/.exec(line)?.[1]));
      if (found.length === calls.length && !found.includes(NaN)) return found;
      throw new Error(`${calls.length} calls were made, and this was said: ${lines.join(" | ")}`);
    },
  };
}
