import { METADATA_ADDRESSES } from "#src/firewall/mod.ts";
import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { interleave } from "./support/interleave.ts";
import type { Reading } from "./support/reading.ts";

/** Where nobody listens. */
const [REDIS_PORT, POSTGRES_PORT, SERVER_PORT] = [6399, 5499, 8099];

/** Whoever asks for a connection gets no answer. */
const DROP_ALL = [
  "add table inet bench",
  "add chain inet bench out { type filter hook output priority filter; }",
  "add rule inet bench out tcp flags & (syn | ack) == syn drop",
].join("; ");

/** Preparation, then the command that follows as arguments. */
const REFUSING = 'ip link set lo up; exec "$@"';
/** Without a way to them, the kernel itself refuses cloud metadata's addresses at once. */
const DROPPING = [
  "ip link set lo up",
  ...METADATA_ADDRESSES.map((address) => `ip addr add ${address} dev lo`),
  'nft "$NFT_RULES"',
  'exec "$@"',
].join("; ");

/**
 * The whole preflight, with a Redis, a database and cloud metadata to be probed, against what it
 * cannot do without: R loading shiny.
 */
export const preflightBenchmark: Benchmark = {
  name: "preflight",
  programs: [
    { name: "bwrap", debianPackage: "bubblewrap" },
    { name: "R", debianPackage: "r-base-core" },
    { name: "nft", debianPackage: "nftables" },
    { name: "ip", debianPackage: "iproute2" },
  ],
  usesExecutable: true,
  async run({ quick, executable, folder }: BenchContext): Promise<Reading[]> {
    const config = `${folder}/blockyard.yaml`;
    await Deno.writeTextFile(
      config,
      JSON.stringify({
        server: { bind: `127.0.0.1:${SERVER_PORT}`, data_dir: `${folder}/data` },
        redis: { url: `redis://127.0.0.1:${REDIS_PORT}` },
        database: { driver: "postgres", url: `postgresql://127.0.0.1:${POSTGRES_PORT}/none` },
      }),
    );
    const preflight = (setUp: string) => () =>
      timeOf("unshare", [
        ...["--net", "sh", "-c", setUp, "sh"],
        ...[executable, "preflight", "--json", "--config", config],
      ], { isFit: (code) => code === 0 || code === 1 });
    const baseline = () => timeOf("Rscript", ["-e", "library(shiny)"], {});
    const schedule = { samples: quick ? 5 : 15, warmups: 1 };
    const readings: Reading[] = [];
    for (
      const [row, setUp, wanted] of [
        ["probes are refused", REFUSING, "≤ 1000 ms"],
        ["probes are dropped", DROPPING, "≤ 3000 ms"],
      ] as const
    ) {
      const pairs = await interleave({ subject: preflight(setUp), baseline }, schedule);
      readings.push({ benchmark: "preflight", row, unit: "ms", wanted, ...pairs });
    }
    return readings;
  },
};

async function timeOf(
  program: string,
  args: readonly string[],
  { isFit = (code) => code === 0 }: { isFit?: (code: number) => boolean },
): Promise<number> {
  const command = new Deno.Command(program, {
    args: [...args],
    env: { NFT_RULES: DROP_ALL },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const sinceMs = performance.now();
  const { code } = await command.spawn().status;
  const tookMs = performance.now() - sinceMs;
  if (!isFit(code)) throw new Error(`${program} ${args.join(" ")} ended with ${code}`);
  return tookMs;
}
