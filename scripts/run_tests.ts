// deno-lint-ignore-file no-console -- a program for a terminal
/**
 * Runs the checks and the test tiers, and ends with `N passed, N failed`. `scripts/test.sh` starts
 * it where it can do no harm.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { addCounts, type Counts, countTests, ignoredNames } from "./testing/summary.ts";

/** One program to run: a check counts as one test, a tier as the tests that it holds. */
interface Step {
  readonly group: string;
  readonly name: string;
  readonly args: readonly string[];
  readonly isTier: boolean;
  readonly timeoutMs: number;
}

const root = fileURLToPath(new URL("../", import.meta.url));
const MINUTE_MS = 60_000;

const check = (name: string, ...args: string[]): Step => ({
  group: "static",
  name,
  args,
  isTier: false,
  timeoutMs: 5 * MINUTE_MS,
});

const tier = (name: string, minutes: number, ...flags: string[]): Step => ({
  group: name,
  name,
  args: ["test", ...flags, "--sanitize-ops", "--sanitize-resources", `tests/${name}`],
  isTier: true,
  timeoutMs: minutes * MINUTE_MS,
});

/** The limits add up to less than half an hour, so that a run that hangs still ends with a sum. */
const STEPS: readonly Step[] = [
  check("fmt", "fmt", "--check"),
  check("lint", "lint"),
  check("check", "check"),
  check("docs", "run", "--allow-all", "scripts/check_docs.ts"),
  { ...check("build", "run", "--allow-all", "scripts/build.ts"), group: "build" },
  tier("unit", 2, "-P=unit", "--parallel"),
  tier("contract", 3, "--allow-all"),
  tier("integration", 10, "--allow-all"),
  tier("e2e", 4, "--allow-all"),
  tier("vm", 10, "--allow-all"),
];

if (import.meta.main) {
  const groups = new Set(STEPS.map((step) => step.group));
  const unknown = Deno.args.filter((name) => !groups.has(name));
  if (unknown.length > 0) {
    console.error(`cannot run ${unknown.join(", ")}: want some of ${[...groups].join(", ")}`);
    Deno.exit(2);
  }
  const chosen = STEPS.filter(({ group, name, isTier }) =>
    (Deno.args.length === 0 || Deno.args.includes(group)) &&
    (!isTier || isFolder(`${root}tests/${name}`))
  );
  const mustRun = Deno.env.get("BLOCKYARD_TESTS_MUST_RUN") === "1";
  const counts: Counts[] = [];
  for (const step of chosen) counts.push(await runStep(step));
  const { passed, failed, ignored } = addCounts(counts, { mustRun });
  if (ignored > 0) {
    console.log(`${ignored} skipped${mustRun ? ", which counts as failed here" : ""}`);
  }
  giveBackGroups();
  console.log(`${passed} passed, ${failed} failed`);
  // Explicitly, since a program that a test left behind may still hold a stream open.
  Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
}

/**
 * Servers keep the group that those of their workers are in, and one that is killed cannot remove
 * these; tests leave nothing behind.
 */
function giveBackGroups(): void {
  for (const top of ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]) {
    const own = `${top}/blockyard`;
    const workers = `${own}/workers`;
    for (const folder of [...foldersIn(workers), workers, `${own}/server`, own]) {
      try {
        // The kernel refuses while there is a process or another group in it.
        Deno.removeSync(folder);
      } catch {
        // It is not there, or a server uses it.
      }
    }
  }
}

function foldersIn(path: string): string[] {
  if (!isFolder(path)) return [];
  return Array.from(Deno.readDirSync(path)).filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => `${path}/${name}`);
}

async function runStep({ name, args, isTier, timeoutMs }: Step): Promise<Counts> {
  const startedMs = performance.now();
  const { code, output, timedOut } = await runDeno(args, timeoutMs);
  const counts = isTier
    ? countTests(output, code)
    : { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, ignored: 0 };
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const verdict = counts.failed > 0 ? "FAILED" : "ok";
  const numbers = isTier
    ? ` | ${counts.passed} passed | ${counts.failed} failed | ${counts.ignored} skipped`
    : "";
  if (counts.failed > 0) console.log(output.trimEnd());
  if (timedOut) console.log(`${name} was ended after ${timeoutMs / MINUTE_MS} minutes`);
  console.log(`${name} ... ${verdict} (${seconds}s)${numbers}`);
  for (const ignored of ignoredNames(output)) console.log(`  skipped: ${ignored}`);
  return counts;
}

/** Runs the same Deno; both streams go into one text, in the order in which they came. */
async function runDeno(
  args: readonly string[],
  timeoutMs: number,
): Promise<{ code: number; output: string; timedOut: boolean }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const chunk of stream) output += decoder.decode(chunk, { stream: true });
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const { code } = await child.status;
  clearTimeout(timer);
  // The last words of the child are waited for, those of programs that outlive it are not.
  await Promise.race([collected, new Promise((resolve) => setTimeout(resolve, 1000))]);
  return { code, output, timedOut };
}

function isFolder(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
