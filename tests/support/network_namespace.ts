/** How a command in a namespace ended. */
export interface NamespaceOutcome {
  /** Its exit code. */
  readonly code: number;
  /** Its standard output. */
  readonly stdout: string;
  /** Its standard error. */
  readonly stderr: string;
}

/** A network namespace with a loopback device that is up. It ends when it is disposed. */
export class NetworkNamespace implements AsyncDisposable {
  readonly #holder: Deno.ChildProcess;
  readonly #children: Deno.ChildProcess[] = [];

  private constructor(holder: Deno.ChildProcess) {
    this.#holder = holder;
  }

  /**
   * Makes one; it takes root.
   *
   * @returns The namespace.
   */
  static async create(): Promise<NetworkNamespace> {
    const holder = new Deno.Command("setpriv", {
      args: [
        // What a test that is killed leaves behind ends with it.
        ...["--pdeathsig=KILL", "unshare", "-n"],
        ...["sh", "-c", "ip link set lo up && echo ready && exec sleep infinity"],
      ],
      cwd: "/",
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await firstLine(holder);
    return new NetworkNamespace(holder);
  }

  /** The process that holds it. */
  get pid(): number {
    return this.#holder.pid;
  }

  /**
   * Tells how a command is run in it.
   *
   * @param command The command.
   * @returns A command.
   */
  command(command: readonly string[]): string[] {
    return ["nsenter", "-t", String(this.pid), "-n", "--", ...command];
  }

  /**
   * Runs a command to its end.
   *
   * @param command The command.
   * @param input What it reads from standard input.
   * @returns How it ended.
   */
  async run(command: readonly string[], input?: string): Promise<NamespaceOutcome> {
    const [program = "", ...args] = this.command(command);
    const child = new Deno.Command(program, {
      args,
      cwd: "/",
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (input !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
  }

  /**
   * Runs commands that have to succeed.
   *
   * @param lines The commands, their words separated by spaces.
   * @throws {Error} When one fails, with what it said.
   */
  async must(...lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const { code, stderr } = await this.run(line.split(" "));
      if (code !== 0) throw new Error(`${line} ended with code ${code}: ${stderr}`);
    }
  }

  /**
   * Starts a command that runs until the namespace is disposed, and waits for its first line.
   *
   * @param command The command.
   */
  async start(command: readonly string[]): Promise<void> {
    const [program = "", ...args] = this.command(command);
    const child = new Deno.Command(program, {
      args,
      cwd: "/",
      stdin: "null",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#children.push(child);
    await firstLine(child);
  }

  /** Ends what runs in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.#children, this.#holder]) {
      try {
        child.kill("SIGKILL");
      } catch (error) {
        // It has ended by itself.
        if (!(error instanceof TypeError)) throw error;
      }
      await child.status;
    }
  }
}

async function firstLine(child: Deno.ChildProcess): Promise<void> {
  const reader = child.stdout.getReader();
  const { done } = await reader.read();
  await reader.cancel();
  if (done) {
    throw new Error(`a process ended before it was ready: ${JSON.stringify(await child.status)}`);
  }
}
