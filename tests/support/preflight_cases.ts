/**
 * Runs checks of the preflight in surroundings of their own, made for real out of namespaces and
 * limits that end with the test.
 *
 * @module
 */
import { type Config, loadConfig } from "#src/config/mod.ts";
import type { Check, Finding, PreflightHost } from "#src/preflight/mod.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assert, assertEquals, assertStringIncludes } from "./assert.ts";
import type { TestNeeds } from "./needs.ts";
import { until } from "./until.ts";

/** Variables of a configuration, without the prefix that all of them have. */
export type Env = Readonly<Record<string, string>>;

/**
 * Runs a check on this host.
 *
 * @param check The check.
 * @param env The configuration.
 * @param overrides What the check is shown instead of the real thing.
 * @returns What it found.
 */
export type Look = (
  check: Check,
  env?: Env,
  overrides?: Partial<Pick<PreflightHost, "roots" | "findProgram">>,
) => Promise<readonly Finding[]>;

/** A test in surroundings of its own. */
export interface Case {
  /** What makes the surroundings, and executes what its last arguments say. */
  readonly within: readonly string[];
  /** Maps of ids that are written from outside, by their files' names; `within` reads a line first. */
  readonly idMaps?: Readonly<Record<string, string>>;
  /** The test. The host is opened when it is first looked at. */
  readonly run: (look: Look) => Promise<void>;
}

/** Set in the processes that the tests start. */
const CASE_VARIABLE = "BLOCKYARD_PREFLIGHT_CASE";
const UIDS_VARIABLE = "BLOCKYARD_PREFLIGHT_UIDS";
/** Where an operator's shell looks for programs, the system's own among them. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** The first of a thousand uids that no other test has; the same in the surroundings. */
export const UIDS = Number(
  Deno.env.get(UIDS_VARIABLE) ?? 1_960_000_000 + (Deno.pid % 400) * 1000,
);

/** A network namespace with nothing but loopback. */
export const OWN_NETWORK: readonly string[] = [
  "/usr/bin/unshare",
  "--net",
  "sh",
  "-c",
  'ip link set lo up && exec "$@"',
  "sh",
];

/**
 * Configures the ports of workers, of whom there may be a hundred.
 *
 * @param start The first port.
 * @param end The last port.
 * @returns The variables.
 */
export function ports(start: number, end: number): Env {
  return {
    PROCESS_PORT_RANGE_START: String(start),
    PROCESS_PORT_RANGE_END: String(end),
    PROXY_MAX_WORKERS: "100",
  };
}

/**
 * Configures the uids of workers, and their gid, which is {@linkcode UIDS}.
 *
 * @param start The first uid.
 * @param end The last uid.
 * @returns The variables.
 */
export function uids(start: number, end: number): Env {
  return {
    PROCESS_WORKER_UID_RANGE_START: String(start),
    PROCESS_WORKER_UID_RANGE_END: String(end),
    PROCESS_WORKER_GID: String(UIDS),
  };
}

/**
 * Registers tests.
 *
 * @param cases The tests, by their names.
 * @param options `url` is the module that registers them, and nothing else but them; `needs` is what
 * they need.
 */
export function testCases(
  cases: Readonly<Record<string, Case>>,
  { url, needs }: { url: string; needs: TestNeeds },
): void {
  const running = Deno.env.get(CASE_VARIABLE);
  for (const [name, test] of Object.entries(cases)) {
    Deno.test({
      ...needs,
      name,
      ignore: needs.ignore || (running !== undefined && running !== name),
      fn: running === undefined ? () => again(name, { url, test }) : () => withHost(test.run),
    });
  }
}

/**
 * Lists how much findings matter.
 *
 * @param findings The findings.
 * @returns Their severities, in their order.
 */
export function severities(findings: readonly Finding[]): string[] {
  return findings.map(({ severity }) => severity);
}

/**
 * Runs the command of a finding as an operator does.
 *
 * @param finding The finding.
 * @param severity What it has to be.
 */
export async function fix(
  finding: Finding | undefined,
  severity: Finding["severity"],
): Promise<void> {
  assert(finding !== undefined && finding.severity !== "ok");
  assertEquals([finding.severity, finding.fix.kind], [severity, "command"]);
  await shell(finding.fix.text);
}

/**
 * Runs a line in a shell, and fails when it does.
 *
 * @param line The line.
 */
export async function shell(line: string): Promise<void> {
  const { code, stderr } = await new Deno.Command("/bin/sh", {
    args: ["-c", line],
    env: { PATH },
    stdin: "null",
  }).output();
  assertEquals(code, 0, `${line}: ${new TextDecoder().decode(stderr)}`);
}

/** Runs one test again in its surroundings. */
async function again(name: string, { url, test }: { url: string; test: Case }): Promise<void> {
  const file = decodeURIComponent(new URL(url).pathname);
  const [program = "", ...args] = [
    ...test.within,
    ...[Deno.execPath(), "test", "-A", "--no-prompt", file],
  ];
  const child = new Deno.Command(program, {
    args,
    env: { [CASE_VARIABLE]: name, [UIDS_VARIABLE]: String(UIDS), NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await writeIdMaps(child.pid, test.idMaps ?? {});
  const input = child.stdin.getWriter();
  await input.write(new TextEncoder().encode("go\n")).catch(() => undefined);
  await input.close().catch(() => undefined);
  const { code, stdout, stderr } = await child.output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "1 passed");
}

async function writeIdMaps(pid: number, maps: Readonly<Record<string, string>>): Promise<void> {
  if (Object.keys(maps).length === 0) return;
  const own = Deno.readLinkSync("/proc/self/ns/user");
  await until(() => Deno.readLinkSync(`/proc/${pid}/ns/user`) !== own, {
    what: "there is no user namespace",
  });
  for (const [name, text] of Object.entries(maps)) {
    await Deno.writeTextFile(`/proc/${pid}/${name}`, text);
  }
}

async function withHost(run: Case["run"]): Promise<void> {
  await using opened = new AsyncDisposableStack();
  let host: PreflightHost | undefined;
  await run(async (check, env = {}, overrides = {}) => {
    const config = configOf(env);
    host ??= opened.use(openPreflightHost(config, { configPath: undefined })).host;
    return [await check.run({ ...host, config, ...overrides })].flat();
  });
}

function configOf(env: Env): Config {
  const entries = Object.entries(env).map(([name, value]) => [`BLOCKYARD_${name}`, value]);
  return loadConfig({ isRoot: true, readFile: () => "", env: Object.fromEntries(entries) });
}
