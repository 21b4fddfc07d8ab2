/**
 * The executable in the virtual machine, and what its preflight says there.
 *
 * @module
 */
import { environment, EXECUTABLE, runBlockyard } from "#tests/e2e/support/executable.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { reportProblems } from "#tests/support/report_schema.ts";
import type { RunOptions, Vm } from "./vm.ts";

/** How long a preflight may take in the machine, in milliseconds. */
const PREFLIGHT_MS = 150_000;

/**
 * Unpacks the executable on this host, which takes a second; emulated, it takes a quarter of a
 * minute.
 *
 * @returns The environment in which it finds what was unpacked, as any user of the machine.
 */
export async function unpackForGuests(): Promise<Record<string, string>> {
  const { code, stderr } = await runBlockyard(["--version"]);
  assertEquals([code, stderr], [0, ""]);
  const { BLOCKYARD_CACHE_DIR: folder = "" } = environment();
  await Deno.chmod(folder, 0o755);
  return { BLOCKYARD_CACHE_DIR: folder };
}

/** One finding of a report. */
export interface GuestFinding {
  /** The check that found it. */
  readonly name: string;
  /** How much it matters. */
  readonly severity: "ok" | "info" | "warning" | "error";
  /** What was seen. */
  readonly message: string;
  /** What is to be done; null for `ok`. */
  readonly fix: { readonly kind: string; readonly text: string } | null;
}

/** A report, as `blockyard preflight --json` prints it, and how that ended. */
export interface GuestReport {
  /** Where it ran. */
  readonly host: { readonly kernel: string; readonly uid: number };
  /** All findings. */
  readonly results: readonly GuestFinding[];
  /** The exit code. */
  readonly code: number;
}

/**
 * Runs `blockyard preflight --json` in the machine; emulated, all checks take half a minute.
 *
 * @param vm The machine.
 * @param options `only` are the checks to carry out, all if not given; the rest is how it is run.
 * @returns The report, which has been held against its schema.
 */
export async function preflightIn(
  vm: Vm,
  { only, ...options }: RunOptions & { only?: readonly string[] } = {},
): Promise<GuestReport> {
  const chosen = only === undefined ? [] : ["--only", only.join(",")];
  const command = [EXECUTABLE, "preflight", "--json", ...chosen];
  const { code, stdout, stderr } = await vm.run(command, { timeoutMs: PREFLIGHT_MS, ...options });
  assertEquals(stderr, "");
  const report = JSON.parse(stdout);
  assertEquals(reportProblems(report), []);
  return { ...report, code };
}

/**
 * Carries out one check of the preflight in the machine.
 *
 * @param vm The machine.
 * @param check Its name.
 * @param options How it is run.
 * @returns What it found.
 */
export async function checkIn(
  vm: Vm,
  check: string,
  options: RunOptions = {},
): Promise<readonly GuestFinding[]> {
  return (await preflightIn(vm, { ...options, only: [check] })).results;
}
