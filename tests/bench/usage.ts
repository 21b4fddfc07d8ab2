import { toPort, toUid } from "#src/core/mod.ts";
import { openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import process from "node:process";
import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { interleave } from "./support/interleave.ts";
import type { Reading } from "./support/reading.ts";

/** How many workers are looked at. */
const WORKERS = 200;
/** How long a look serves all who ask, and a little more; milliseconds. */
const APART_MS = 1010;

/**
 * Processor time of the server for one look at what each of 200 workers uses, against reading one
 * file of the kernel for each of them. With a look each second, 30 ms are 3 % of a core.
 */
export const usageBenchmark: Benchmark = {
  name: "usage",
  programs: [{ name: "bwrap", debianPackage: "bubblewrap" }],
  usesExecutable: false,
  async run({ quick }: BenchContext): Promise<Reading[]> {
    const block = Deno.pid % 100;
    await using host = await openTestBackend({
      portRangeStart: toPort(10_000),
      portRangeEnd: toPort(10_000 + WORKERS + 50),
      workerUidRangeStart: toUid(1_936_000_000 + block * 1000),
      workerUidRangeEnd: toUid(1_936_000_000 + block * 1000 + WORKERS + 50),
    });
    const { backend } = host;
    const specs = Array.from({ length: WORKERS }, () => shellSpec("exec sleep 600"));
    const pids: number[] = [];
    for (const spec of specs) pids.push((await backend.spawn(spec)).pid);
    const pairs = await interleave({
      subject: () =>
        cpuMs(async () => {
          await Promise.all(specs.map(({ id }) => backend.workerResourceUsage(id)));
        }),
      baseline: () =>
        cpuMs(async () => {
          await Promise.all(pids.map((pid) => Deno.readTextFile(`/proc/${pid}/stat`)));
        }),
    }, { samples: quick ? 5 : 20, warmups: 2 });
    const row = `one look at ${WORKERS} workers, server's CPU`;
    return [{ benchmark: "usage", row, unit: "ms", wanted: "≤ 30 ms", ...pairs }];
  },
};

/** The time of all threads of this process, since files are read by some of their own. */
async function cpuMs(action: () => Promise<void>): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, APART_MS));
  const before = process.cpuUsage();
  await action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
