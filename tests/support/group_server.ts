/**
 * Processes that make groups for workers as servers do. A server moves itself into another group,
 * which the process that runs the tests must not. The module is also their program.
 *
 * @module
 */
import { cstring, findFunctions, openLibc, setgroups, setresgid, setresuid } from "#ffi/mod.ts";
import {
  type GroupLimits,
  type GroupUsage,
  type NoWorkerGroups,
  openWorkerGroups,
  type WorkerGroup,
  type WorkerGroups,
} from "#src/cgroup/mod.ts";
import { NotSupportedError } from "#src/core/mod.ts";
import { assert, assertEquals } from "./assert.ts";

/** What a server has opened. */
export type Opened =
  | Pick<WorkerGroups, "kind" | "folder" | "controllers" | "lacking" | "hasKill">
  | NoWorkerGroups;

/** What is known of a group. */
export type Made = Pick<WorkerGroup, "folder" | "path" | "level" | "limits">;

/** What a server can be told to do, and what it answers. */
export interface Calls {
  /** Opens the groups. */
  open(): Opened;
  /** Makes a group. */
  create(id: string, limits: GroupLimits): Made;
  /** Changes its limits. */
  setLimits(id: string, limits: GroupLimits): GroupLimits;
  /** Starts lines of shell in it, with a variable `id`; answers with their process id. */
  start(id: string, script: string): number;
  /** Waits until they have ended; answers with the signal that ended them, or their exit code. */
  ended(id: string): string;
  /** Reads what it used. */
  usage(id: string): GroupUsage;
  /** Counts who was killed for want of memory. */
  oomKills(id: string): number;
  /** Kills what is in it. */
  kill(id: string): boolean;
  /** Looks whether something is in it. */
  isPopulated(id: string): boolean;
  /** Removes it. */
  remove(id: string): null;
  /** Removes what servers have left. */
  sweep(): number;
}

/** How a server is started. */
export interface GroupServerOptions {
  /** The uid and gid that it takes on; root's if not given. */
  readonly uid?: number;
  /** Absolute path of the folder of the group that it is started in. */
  readonly group?: string;
  /**
   * What it is started by: a command that executes what its last arguments say. It is in the group
   * when it can read an empty line.
   */
  readonly within?: readonly string[];
}

/** A server that is gone when it is disposed. */
export class GroupServer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#answers = lines(child.stdout);
  }

  /**
   * Starts one.
   *
   * @param options How it is started.
   * @returns The server, which waits for calls.
   */
  static async start({ uid = 0, group, within = [] }: GroupServerOptions): Promise<GroupServer> {
    const [program = "", ...args] = [
      ...within,
      ...[Deno.execPath(), "run", "-A", "--no-check", "--cached-only"],
      ...[new URL(import.meta.url).pathname, String(uid)],
    ];
    const child = new Deno.Command(program, {
      args,
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const server = new GroupServer(child);
    if (group !== undefined) {
      await Deno.writeTextFile(`${group}/cgroup.procs`, String(child.pid));
    }
    await server.#write("");
    return server;
  }

  /** Its process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /**
   * Has it do something.
   *
   * @param name What.
   * @param args With what.
   * @returns What it answers.
   * @throws {Error} When it says that it failed.
   */
  async call<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    await this.#write(JSON.stringify({ name, args }));
    const { value, done } = await this.#answers.next();
    assert(!done, "the server has ended");
    const answer = JSON.parse(value);
    if (typeof answer.error === "string") throw new Error(answer.error);
    return answer.result;
  }

  /**
   * Tells which group of cgroup v2 it is in.
   *
   * @returns Its path below the root.
   */
  async group(): Promise<string> {
    const text = await Deno.readTextFile(`/proc/${this.pid}/cgroup`);
    return /^0::(.*)$/m.exec(text)?.[1] ?? "";
  }

  async #write(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#child.status;
    await this.#answers.return?.();
  }
}

/**
 * Marks a group as delegated, as systemd does, so that it is the only place for whoever is in it.
 *
 * @param folder Absolute path of its folder.
 */
export function markDelegated(folder: string): void {
  const libc = findFunctions("libc.so.6", {
    setxattr: { parameters: ["buffer", "buffer", "buffer", "usize", "i32"], result: "i32" },
  });
  const value = new TextEncoder().encode("1");
  const args = [cstring(folder), cstring("user.delegate"), value, 1n, 0] as const;
  assertEquals(libc.setxattr(...args), 0);
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** Does what it is told to, as a server. */
class Program {
  #opened: WorkerGroups | undefined;
  readonly #groups = new Map<string, WorkerGroup>();
  readonly #children = new Map<string, Deno.ChildProcess>();

  async open(): Promise<Opened> {
    const isRoot = Deno.uid() === 0;
    const opened = await openWorkerGroups({ roots: { proc: "/proc" }, isRoot });
    if (opened.kind === "none") return opened;
    this.#opened = opened;
    const { kind, folder, controllers, lacking, hasKill } = opened;
    return { kind, folder, controllers, lacking, hasKill };
  }

  async create(id: string, limits: GroupLimits): Promise<Made> {
    assert(this.#opened !== undefined);
    const group = await this.#opened.create(id, limits);
    this.#groups.set(id, group);
    return { folder: group.folder, path: group.path, level: group.level, limits: group.limits };
  }

  setLimits(id: string, limits: GroupLimits): Promise<GroupLimits> {
    return this.#group(id).setLimits(limits);
  }

  async start(id: string, script: string): Promise<number> {
    // It waits until it is in the group.
    const child = new Deno.Command("/bin/sh", {
      args: ["-c", `read _; ${script}`],
      env: { id },
      stdin: "piped",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#children.set(id, child);
    await this.#group(id).add(child.pid);
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("\n"));
    await input.close();
    return child.pid;
  }

  async ended(id: string): Promise<string> {
    const status = await this.#children.get(id)?.status;
    return status?.signal ?? String(status?.code);
  }

  usage(id: string): Promise<GroupUsage> {
    return this.#group(id).usage();
  }

  oomKills(id: string): Promise<number> {
    return this.#group(id).oomKills();
  }

  kill(id: string): Promise<boolean> {
    return this.#group(id).kill();
  }

  isPopulated(id: string): Promise<boolean> {
    return this.#group(id).isPopulated();
  }

  async remove(id: string): Promise<null> {
    await this.#group(id).remove();
    return null;
  }

  async sweep(): Promise<number> {
    return await this.#opened?.sweep() ?? 0;
  }

  /** Leaves nothing running when a test has failed in between. */
  async killAll(): Promise<void> {
    for (const group of this.#groups.values()) await group.kill();
  }

  #group(id: string): WorkerGroup {
    const group = this.#groups.get(id);
    assert(group !== undefined, `there is no group ${id}`);
    return group;
  }
}

async function serve(uid: number): Promise<void> {
  const program = new Program();
  for await (const line of lines(Deno.stdin.readable)) {
    // What it was started by may have read this one.
    if (line === "") continue;
    if (uid !== Deno.uid()) dropTo(uid);
    const { name, args } = JSON.parse(line);
    let answer: unknown;
    try {
      const method: (...args: unknown[]) => Promise<unknown> = Reflect.get(program, name);
      answer = { result: await method.apply(program, args) };
    } catch (error) {
      const isKnown = error instanceof NotSupportedError;
      const message = error instanceof Error ? error.message : String(error);
      answer = { error: isKnown ? `${error.name}: ${message}` : message };
    }
    await Deno.stdout.write(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
  }
  await program.killAll();
}

function dropTo(uid: number): void {
  using libc = openLibc();
  setgroups(libc, []);
  setresgid(libc, uid);
  setresuid(libc, uid);
}

if (import.meta.main) {
  await serve(Number(Deno.args[0]));
  Deno.exit(0);
}
