/**
 * Sandboxes that tell what can be seen from inside them and of them.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { openLibc, SYSCALL_NUMBERS } from "#ffi/mod.ts";
import { silentLogger, systemClock } from "#src/core/mod.ts";
import { LauncherPool, type LaunchJob, SandboxedProcess } from "#src/sandbox/mod.ts";
import { selfCommand } from "#src/self_command.ts";
import { until } from "../until.ts";

/** What was seen, by a name for each observation. */
export type Observations = Readonly<Record<string, string>>;

/** What a sandbox is started from. */
export type Job = Omit<LaunchJob, "parent">;

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** unshare(2) and prctl(2), of asm/unistd_64.h and asm-generic/unistd.h. */
const [UNSHARE, PRCTL] = Deno.build.arch === "aarch64" ? [97, 167] : [272, 157];
const KEYCTL = SYSCALL_NUMBERS[Deno.build.arch].keyctl;

/**
 * The program that looks around in a sandbox.
 *
 * @param socket The name of an abstract unix socket that is listened on outside.
 * @returns The command.
 */
export function observer(socket: string): string[] {
  const script = Deno.readTextFileSync(file("observe.pl"));
  return ["/usr/bin/perl", "-e", script, socket, ...[UNSHARE, KEYCTL, PRCTL].map(String)];
}

/** How {@linkcode observe} starts the launcher. */
export interface ObserveOptions {
  /** The step that it leaves out, see `launch_without.ts`; none if not given. */
  readonly without?: string;
  /** A command that executes what its last arguments say, in place of the launcher's parent. */
  readonly between?: readonly string[];
}

/**
 * Starts a sandbox whose program is {@linkcode observer}, out of surroundings that it must not
 * inherit, and waits until nothing is left of it.
 *
 * @param job What the launcher is told.
 * @param options How it is started.
 * @returns What the program saw; what the host sees of bwrap's monitor at the gate, by names that
 * begin with `host.`; and `started`, which is `yes` or tells why not.
 */
export async function observe(
  job: Job,
  { without = "", between = [] }: ObserveOptions = {},
): Promise<Observations> {
  const self = selfCommand(["bwrap-exec", "--wait"]);
  const entry = self.args.findIndex((arg) => arg.endsWith("/bwrap_exec/main.ts"));
  const flags = self.args.slice(0, entry);
  const [program = "", ...args] = [
    ...["/usr/bin/perl", file("dirty.pl"), String(KEYCTL), ...between],
    ...[self.program, ...flags, file("launch_without.ts"), without],
  ];
  const command = { program, args, env: self.env };
  await using launchers = new LauncherPool(command, { standby: 0, log: silentLogger });
  using libc = openLibc();
  const child = await launchers.launch(job);
  const output = Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const isAtGate = await child.atGate;
  using sandbox = SandboxedProcess.of(libc, child.pid);
  const host = isAtGate ? await seenByHost(child.pid) : {};
  await child.open();
  await child.status;
  const [stdout, stderr] = await output;
  await until(() => sandbox?.isAlive() !== true, { what: "the sandbox is gone", everyMs: 2 });
  const lines = stdout.split("\n").filter((line) => line !== "").map((line) => {
    const equals = line.indexOf("=");
    const [key, value] = [line.slice(0, equals), line.slice(equals + 1)];
    return [key, key.startsWith("ns.") ? whoseNamespace(value) : value] as const;
  });
  return {
    ...Object.fromEntries(lines),
    ...host,
    started: lines.length > 0 ? "yes" : stderr.trim(),
  };
}

/** The names of namespaces differ from sandbox to sandbox; whether they are the host's does not. */
function whoseNamespace(name: string): string {
  const kind = name.slice(0, name.indexOf(":"));
  return name === Deno.readLinkSync(`/proc/self/ns/${kind}`) ? "the host's" : "its own";
}

/** bwrap's monitor is what the launcher became, outside of the sandbox. */
async function seenByHost(pid: number): Promise<Record<string, string>> {
  // The gate is reached a moment before the monitor has come to rest.
  await systemClock.sleep(0);
  const [status, cgroups] = await Promise.all([
    Deno.readTextFile(`/proc/${pid}/status`),
    Deno.readTextFile(`/proc/${pid}/cgroup`),
  ]);
  const seen: Record<string, string> = {
    "host.cgroup": /^0::(.*)$/m.exec(cgroups)?.[1] ?? "",
    "host.cwd": await Deno.readLink(`/proc/${pid}/cwd`),
    "host.owner": String((await Deno.stat(`/proc/${pid}/environ`)).uid),
  };
  for (const name of ["Uid", "Gid", "Groups", "NoNewPrivs"]) {
    seen[`host.${name}`] = new RegExp(`^${name}:[ \\t]*(.*?)[ \\t]*$`, "m").exec(status)?.[1] ?? "";
  }
  return seen;
}
