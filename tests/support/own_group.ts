/**
 * Groups of cgroup v2 that belong to a test, and processes in them that look at what they can do
 * there. The module is also the program of those processes.
 *
 * @module
 */
import { openLibc, setgroups, setresgid, setresuid } from "#ffi/mod.ts";
import { readCgroupView, tryDelegation } from "#src/cgroup/mod.ts";
import { loadConfig } from "#src/config/mod.ts";
import { CHECKS } from "#src/preflight/mod.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assertEquals } from "./assert.ts";
import { namespaceOf } from "./host_processes.ts";
import { until } from "./until.ts";

/** Where this host has cgroup v2. */
export const CGROUP2: string = (await readCgroupView({ proc: "/proc" })).mount?.folder ??
  "/sys/fs/cgroup/unified";

/** What a process in a group is asked. */
export interface Question {
  /** What it is asked about: what it can do, the groups that it is in, or a check by its name. */
  readonly about: string;
  /** The uid and gid that it takes on for it; root's if not given. */
  readonly uid?: number;
  /** What it is started by: a command that executes what its last arguments say. */
  readonly within?: readonly string[];
  /**
   * The group that it is put into before it reads a line, and the one that it is put into before it
   * reads another, once it has a cgroup namespace of its own; by their folders.
   */
  readonly groups?: readonly string[];
  /** Its configuration, without the prefix that all variables have. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A group with groups in it, which is gone when it is disposed; so must be its processes. */
export class OwnGroup implements AsyncDisposable {
  /** Absolute path of its folder. */
  readonly path: string;

  /**
   * Makes one below the root.
   *
   * @param suffix What its name ends with.
   */
  constructor(suffix = "") {
    this.path = `${CGROUP2}/blockyard-test-${crypto.randomUUID()}${suffix}`;
    Deno.mkdirSync(this.path);
  }

  /**
   * Makes a group in it.
   *
   * @param name Its name.
   * @param owner The uid and gid that it is handed over to, with the files that make it usable.
   * @returns Absolute path of its folder.
   */
  make(name: string, owner?: number): string {
    const folder = `${this.path}/${name}`;
    Deno.mkdirSync(folder);
    if (owner !== undefined) {
      Deno.chownSync(folder, owner, owner);
      for (const file of ["cgroup.procs", "cgroup.subtree_control", "cgroup.threads"]) {
        Deno.chownSync(`${folder}/${file}`, owner, owner);
      }
    }
    return folder;
  }

  /** Lists the groups that are in it, and in those, by their paths from it. */
  list(folder: string = this.path): string[] {
    return Array.from(Deno.readDirSync(folder)).filter(({ isDirectory }) => isDirectory)
      .flatMap(({ name }) => [
        ...this.list(`${folder}/${name}`),
        `${folder}/${name}`.slice(this.path.length + 1),
      ]).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.list().toSorted().reverse(), ""]) {
      const folder = `${this.path}/${name}`.replace(/\/$/, "");
      // A process that has ended leaves its group a moment later.
      await until(() => Deno.remove(folder).then(() => true, () => false), {
        what: `the group ${folder} can be removed`,
        withinMs: 5000,
      });
    }
  }
}

/**
 * Asks a process of its own.
 *
 * @param question What it is asked.
 * @returns What it answers.
 */
export async function ask<Answer>(question: Question): Promise<Answer> {
  const file = new URL(import.meta.url).pathname;
  const [program = "", ...args] = [
    ...(question.within ?? []),
    ...[Deno.execPath(), "run", "-A", "--no-check", "--cached-only", file],
    JSON.stringify(question),
  ];
  const child = new Deno.Command(program, {
    args,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = child.stdin.getWriter();
  const outside = namespaceOf(Deno.pid, "cgroup");
  for (const [index, group] of (question.groups ?? []).entries()) {
    if (index > 0) {
      await until(() => namespaceOf(child.pid, "cgroup") !== outside, {
        what: "it has a cgroup namespace of its own",
      });
    }
    await Deno.writeTextFile(`${group}/cgroup.procs`, String(child.pid));
    await input.write(new TextEncoder().encode("\n"));
  }
  await input.close();
  const { code, stdout, stderr } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function answer({ about, uid = 0, env = {} }: Question): Promise<unknown> {
  // Whoever asks has moved this process once its input has ended.
  await Array.fromAsync(Deno.stdin.readable);
  if (uid !== Deno.uid()) {
    using libc = openLibc();
    setgroups(libc, []);
    setresgid(libc, uid);
    setresuid(libc, uid);
  }
  const isRoot = uid === 0;
  const view = await readCgroupView({ proc: "/proc" });
  if (about === "membership") return { ...view.membership, mount: view.mount };
  if (about === "delegation") return await tryDelegation(view, { proc: "/proc", isRoot });
  const entries = Object.entries({ SERVER_DATA_DIR: "/nonexistent", ...env })
    .map(([name, value]) => [`BLOCKYARD_${name}`, value]);
  const config = loadConfig({ isRoot, readFile: () => "", env: Object.fromEntries(entries) });
  await using opened = openPreflightHost(config, { configPath: undefined });
  const check = CHECKS.find(({ name }) => name === about);
  if (check === undefined) throw new RangeError(`cannot ask about ${about}: want a check`);
  return [await check.run(opened.host)].flat();
}

if (import.meta.main) {
  const found = await answer(JSON.parse(Deno.args[0] ?? ""));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(found)));
}
