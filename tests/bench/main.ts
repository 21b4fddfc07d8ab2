// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * Prints ratios against what a bare host does, each taken in one run so that both sides meet the
 * same machine. It judges nothing: times depend on the machine. Needs root.
 *
 *     deno task bench [--only NAME,NAME] [--quick] [--json] [--executable FILE]
 *
 * @module
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { run } from "#scripts/support/run.ts";
import { errorMessage } from "#src/core/mod.ts";
import { findProgram } from "#src/find_program.ts";
import { bombsBenchmark } from "./bombs.ts";
import { firstByteBenchmark } from "./first_byte.ts";
import { launcherBenchmark } from "./launcher.ts";
import { preflightBenchmark } from "./preflight.ts";
import { proxyBenchmark } from "./proxy.ts";
import { slotsBenchmark } from "./slots.ts";
import { spawnBenchmark } from "./spawn.ts";
import { usageBenchmark } from "./usage.ts";
import type { Benchmark } from "./support/benchmark.ts";
import { describeMachine } from "./support/machine.ts";
import { isIsolated, runIsolated } from "./support/namespace.ts";
import { summarize, type Summary } from "./support/reading.ts";
import { formatReport, type Skipped } from "./support/report.ts";

const BENCHMARKS = [
  spawnBenchmark,
  firstByteBenchmark,
  launcherBenchmark,
  preflightBenchmark,
  proxyBenchmark,
  slotsBenchmark,
  usageBenchmark,
  bombsBenchmark,
];

/** Where administrators' programs are, which not every PATH names. */
const SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin";

const root = fileURLToPath(new URL("../../", import.meta.url));
/** What `deno task build` makes. */
const BUILT = `${root}dist/blockyard`;

interface Options {
  readonly chosen: readonly Benchmark[];
  readonly quick: boolean;
  readonly json: boolean;
  readonly executable: string;
}

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parse(args);
  } catch (error) {
    console.error(`bench: ${errorMessage(error)}`);
    return 2;
  }
  if (Deno.uid() !== 0) {
    console.error("bench: cannot give sandboxes user ids of their own: want root");
    return 1;
  }
  if (!isIsolated()) {
    await prepare(options);
    return await runIsolated(new URL(import.meta.url), args);
  }
  return await measure(options);
}

function parse(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      executable: { type: "string", default: BUILT },
    },
  });
  const { only, executable, ...rest } = values;
  const names = only?.split(",");
  const known = BENCHMARKS.map(({ name }) => name);
  const unknown = (names ?? []).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new Error(`cannot run ${unknown.join(", ")}: want some of ${known.join(", ")}`);
  }
  return {
    ...rest,
    executable: resolve(executable),
    chosen: BENCHMARKS.filter(({ name }) => names?.includes(name) ?? true),
  };
}

/** Gets what comes from outside, while there is an outside. What fails shows as skipped later. */
async function prepare({ chosen, executable }: Options): Promise<void> {
  const missing = new Set<string>();
  for (const { programs } of chosen) {
    for (const { name, debianPackage } of programs) {
      if (await find(name) === undefined) missing.add(debianPackage);
    }
  }
  const attempts: Promise<string>[] = [];
  if (missing.size > 0) attempts.push(run(`${root}scripts/apt.sh`, [...missing]));
  const usesIt = chosen.some(({ usesExecutable }) => usesExecutable);
  if (usesIt && executable === BUILT && !await isFile(executable)) {
    attempts.push(run(Deno.execPath(), ["run", "--allow-all", `${root}scripts/build.ts`]));
  }
  for (const attempt of await Promise.allSettled(attempts)) {
    if (attempt.status === "rejected") console.error(`bench: ${errorMessage(attempt.reason)}`);
  }
}

async function measure({ chosen, quick, json, executable }: Options): Promise<number> {
  const machine = await describeMachine(executable);
  const results: Summary[] = [];
  const skipped: Skipped[] = [];
  let failed = 0;
  for (const benchmark of chosen) {
    const reason = await whatIsMissing(benchmark, executable);
    if (reason !== undefined) {
      skipped.push({ benchmark: benchmark.name, reason });
      continue;
    }
    console.error(`bench: ${benchmark.name} …`);
    const folder = await Deno.makeTempDir({ prefix: "blockyard-bench-" });
    try {
      await Deno.chmod(folder, 0o755);
      results.push(...(await benchmark.run({ quick, executable, folder })).map(summarize));
    } catch (error) {
      failed++;
      console.error(`bench: ${benchmark.name} failed: ${errorMessage(error)}`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }
  const report = { machine, results, skipped };
  console.log(json ? JSON.stringify(report, null, 2) : formatReport(report).trimEnd());
  const mustRun = Deno.env.get("BLOCKYARD_TESTS_MUST_RUN") === "1";
  return failed > 0 || (mustRun && skipped.length > 0) ? 1 : 0;
}

async function whatIsMissing(
  benchmark: Benchmark,
  executable: string,
): Promise<string | undefined> {
  const missing: string[] = [];
  for (const { name, debianPackage } of benchmark.programs) {
    if (await find(name) === undefined) missing.push(`${name} (Debian: ${debianPackage})`);
  }
  if (benchmark.usesExecutable && !await isFile(executable)) {
    missing.push(`${executable} (deno task build)`);
  }
  return missing.length === 0 ? undefined : `cannot find ${missing.join(", ")}`;
}

function find(name: string): Promise<string | undefined> {
  return findProgram(name, { path: `${Deno.env.get("PATH") ?? ""}:${SYSTEM_FOLDERS}` });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
