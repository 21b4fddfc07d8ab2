import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { interleave } from "./support/interleave.ts";
import type { Reading } from "./support/reading.ts";

/** Below every uid and gid that systemd and useradd hand out, and outside the workers' own. */
const OTHER_ID = 1_930_000_000;

/**
 * The executable as a launcher that becomes `true`, against Deno with an empty program: what a
 * launcher costs beyond the start of its runtime.
 */
export const launcherBenchmark: Benchmark = {
  name: "launcher",
  programs: [],
  usesExecutable: true,
  async run({ quick, executable, folder }: BenchContext): Promise<Reading[]> {
    const program = `${folder}/empty.ts`;
    await Deno.writeTextFile(program, "");
    const ids = ["--uid", String(OTHER_ID), "--gid", String(OTHER_ID)];
    const pairs = await interleave({
      subject: () => timeOf(executable, ["bwrap-exec", ...ids, "--", "/bin/true"]),
      baseline: () => timeOf(Deno.execPath(), ["run", program]),
    }, { samples: quick ? 20 : 60, warmups: 3 });
    return [{ benchmark: "launcher", row: "", unit: "ms", wanted: "≤ 1.5", ...pairs }];
  },
};

async function timeOf(program: string, args: string[]): Promise<number> {
  const command = new Deno.Command(program, { args, stdin: "null", stdout: "null" });
  const sinceMs = performance.now();
  const { success, code } = await command.spawn().status;
  const tookMs = performance.now() - sinceMs;
  if (!success) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return tookMs;
}
