import { fileURLToPath } from "node:url";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { type CommandOptions, guestCommand, guestEnvironment, USER } from "./guest_command.ts";
import { GuestProcess, type Outcome } from "./guest_process.ts";
import { type Account, buildInitramfs, type Manager } from "./initramfs.ts";
import { findKernel } from "./kernel.ts";
import { type Event, type Order, readMessages, type Request, writeMessage } from "./protocol.ts";
import { type Clock, qemuCommand } from "./qemu.ts";
import { within } from "./within.ts";

/** How a virtual machine is made. */
export interface VmOptions {
  /** Its memory in MiB; half of it is for changed files. 3072 if not given. */
  readonly memoryMib?: number;
  /** Its processors; 1 if not given: emulated ones wait for each other more than they help. */
  readonly cpus?: number;
  /** More of the kernel's command line, such as `cgroup_disable=memory`. */
  readonly append?: readonly string[];
  /** What its time goes by; the host's clock if not given. */
  readonly clock?: Clock;
  /** What starts and keeps its services; none if not given. */
  readonly manager?: Manager;
  /** Environment that every program in it gets. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a program is run to its end. */
export interface RunOptions extends CommandOptions {
  /** What it reads from standard input; nothing if not given. */
  readonly input?: string | Uint8Array;
  /** After how long it is killed, in milliseconds; 60 000 if not given. */
  readonly timeoutMs?: number;
}

/** How long the machine may take to start, in milliseconds: emulation on a busy host is slow. */
const BOOT_MS = 120_000;
/** How long a program may take if nothing else is said, in milliseconds. */
const RUN_MS = 60_000;
/** How much of the end of the console's text is kept, in characters. */
const CONSOLE_CHARS = 8000;

const AGENT = [
  Deno.execPath(),
  ...["run", "--no-config", "--no-lock", "--no-check", "-A"],
  fileURLToPath(new URL("../guest/agent.ts", import.meta.url)),
];

/**
 * A virtual machine with the files of this host, a kernel of its own, cgroup v2 alone, and no
 * network but loopback. It cannot change this host: what it writes is in its memory, and gone with
 * it. What this host changes after the machine has seen it may look unchanged in there.
 */
export class Vm implements AsyncDisposable {
  /** An ordinary user of the machine. */
  readonly user: Account = USER;
  readonly #qemu: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #env: Readonly<Record<string, string>>;
  readonly #processes = new Map<number, GuestProcess>();
  readonly #ready = Promise.withResolvers<true>();
  readonly #ended: Promise<void>;
  #failure: Error | undefined;
  #console = "";
  #nextId = 1;

  private constructor(qemu: Deno.ChildProcess, { env = {} }: VmOptions) {
    this.#qemu = qemu;
    this.#env = env;
    this.#input = qemu.stdin.getWriter();
    // Also when nobody waits for it.
    this.#ready.promise.catch(() => undefined);
    this.#ended = Promise.all([this.#listen(), this.#readConsole(), qemu.status])
      .then(([, , { code }]) => this.#fail(code));
  }

  /**
   * Starts one.
   *
   * @param options How it is made.
   * @returns The machine, ready to run programs. Disposing it ends it at once.
   * @throws {Error} When there is no kernel for it, or it does not start in time, with what its
   * console says.
   */
  static async start(options: VmOptions = {}): Promise<Vm> {
    const kernel = findKernel();
    if (kernel === undefined) {
      throw new Error("cannot find a kernel with 9p: install linux-image-amd64");
    }
    // Nothing reads it any more once the machine is up.
    await using folder = await tempFolder();
    const initramfs = `${folder.path}/initramfs`;
    const { memoryMib = 3072, cpus = 1, append = [], manager = "none", clock = "host" } = options;
    const parts = { agent: AGENT, account: USER, manager };
    await Deno.writeFile(initramfs, await buildInitramfs(kernel, parts));
    const machine = { kernel: kernel.image, initramfs, memoryMib, cpus, clock, append };
    const [program, ...args] = qemuCommand(machine);
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    const vm = new Vm(new Deno.Command(program, { args, ...pipes }).spawn(), options);
    try {
      if (await within(BOOT_MS, vm.#ready.promise)) return vm;
      throw new Error(`no virtual machine after ${BOOT_MS} ms; its console:\n${vm.console}`);
    } catch (error) {
      await vm[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The pid of the emulator, on the host. */
  get pid(): number {
    return this.#qemu.pid;
  }

  /** The end of what the kernel, the first program and the emulator had to say. */
  get console(): string {
    return this.#console;
  }

  /**
   * Starts a program.
   *
   * @param command The program and its arguments.
   * @param options How it is started.
   * @returns The program, which runs on until it ends, is disposed, or the machine ends.
   * @throws {Error} When it cannot be started.
   */
  async spawn(command: readonly string[], options: CommandOptions = {}): Promise<GuestProcess> {
    if (this.#failure !== undefined) throw this.#failure;
    const id = this.#nextId++;
    const send = (order: Order) => this.#send({ id, order });
    const process = new GuestProcess(command, send);
    this.#processes.set(id, process);
    const env = guestEnvironment({ ...options, env: { ...this.#env, ...options.env } });
    const { cwd = "/" } = options;
    send({ start: { command: guestCommand(command, options), env, cwd } });
    await process.started();
    return process;
  }

  /**
   * Runs a program to its end, and to the end of what it started that still writes.
   *
   * @param command The program and its arguments.
   * @param options How it is run.
   * @returns How it ended.
   * @throws {Error} When it cannot be started or is not finished in time, with what it has written.
   */
  async run(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const { input = "", timeoutMs = RUN_MS } = options;
    const process = await this.spawn(command, options);
    process.write(input);
    process.endInput();
    return await process.outcome(timeoutMs);
  }

  /**
   * Runs lines of shell that have to succeed.
   *
   * @param script The lines.
   * @param options How they are run.
   * @returns What they wrote to standard output, without line breaks at its end.
   * @throws {Error} As {@linkcode Vm.run}, and when the exit code is not 0.
   */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(["/bin/sh", "-euc", script], options);
    if (code !== 0) throw new Error(`exit code ${code} of ${script}: ${stderr}${stdout}`);
    return stdout.replace(/\n+$/, "");
  }

  /**
   * Writes a file in the machine, making the folders above it.
   *
   * @param path Its absolute path.
   * @param data What is in it.
   * @param options Who writes it.
   */
  async write(
    path: string,
    data: string | Uint8Array,
    options: CommandOptions = {},
  ): Promise<void> {
    const command = ["/bin/sh", "-euc", 'mkdir -p "$(dirname "$0")"; cat >"$0"', path];
    const { code, stderr } = await this.run(command, { ...options, input: data });
    if (code !== 0) throw new Error(`cannot write ${path} in the machine: ${stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#qemu.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await this.#ended;
    await this.#input.close().catch(() => undefined);
  }

  #send(request: Request): void {
    // A machine that has ended is reported to whoever waits for something of it.
    this.#input.write(writeMessage(request)).catch(() => undefined);
  }

  async #listen(): Promise<void> {
    for await (const event of readMessages<Event>(this.#qemu.stdout)) {
      if ("ready" in event) this.#ready.resolve(true);
      else if (this.#processes.get(event.id)?.hear(event.report)) this.#processes.delete(event.id);
    }
  }

  async #readConsole(): Promise<void> {
    for await (const text of this.#qemu.stderr.pipeThrough(new TextDecoderStream())) {
      this.#console = (this.#console + text).slice(-CONSOLE_CHARS);
    }
  }

  #fail(code: number): void {
    const reason = `the virtual machine has ended with exit code ${code}`;
    this.#failure = new Error(`${reason}; its console:\n${this.console}`);
    this.#ready.reject(this.#failure);
    for (const process of this.#processes.values()) process.fail(this.#failure);
    this.#processes.clear();
  }
}
