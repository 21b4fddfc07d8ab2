/**
 * The program in the virtual machine that starts others for tests. Standard input and output are
 * the channel to the host; when the host closes it, this ends, and the machine with it.
 *
 * @module
 */
import {
  type Order,
  readMessages,
  type Report,
  type Request,
  writeMessage,
} from "../support/protocol.ts";

const channel = Deno.stdout.writable.getWriter();
const programs = new Map<number, Program>();

/** A program that runs, or has ended and left others that can write to its output. */
class Program {
  readonly #id: number;
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  constructor(id: number, { command, env, cwd }: Extract<Order, { start: unknown }>["start"]) {
    const [path = "", ...args] = command;
    this.#id = id;
    this.#child = new Deno.Command(path, {
      args,
      env: { ...env },
      clearEnv: true,
      cwd,
      detached: true,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
  }

  /** Reports all there is to say about it. */
  async follow(): Promise<void> {
    const { pid, status, stdout, stderr } = this.#child;
    await report(this.#id, { pid });
    await Promise.all([this.#pass("stdout", stdout), this.#pass("stderr", stderr)]);
    const { code } = await status;
    await report(this.#id, { code });
  }

  obey(order: Exclude<Order, { start: unknown }>): void {
    if ("signal" in order) return this.#signal(order);
    // It may have closed its input, or ended, before.
    const done = "input" in order
      ? this.#input.write(Uint8Array.fromBase64(order.input))
      : this.#input.close();
    done.catch(() => undefined);
  }

  async #pass(stream: "stdout" | "stderr", output: ReadableStream<Uint8Array>): Promise<void> {
    for await (const bytes of output) await report(this.#id, { stream, data: bytes.toBase64() });
  }

  #signal({ signal, to }: Extract<Order, { signal: unknown }>): void {
    try {
      if (to === "program") this.#child.kill(signal);
      else Deno.kill(-this.#child.pid, signal);
    } catch {
      // There is nobody left to get it.
    }
  }
}

async function start(id: number, how: Extract<Order, { start: unknown }>["start"]): Promise<void> {
  try {
    const program = new Program(id, how);
    programs.set(id, program);
    await program.follow();
  } catch (error) {
    await report(id, { failed: String(error) });
  }
  programs.delete(id);
}

async function report(id: number, report: Report): Promise<void> {
  await channel.write(writeMessage({ id, report }));
}

if (import.meta.main) {
  await channel.write(writeMessage({ ready: true }));
  for await (const { id, order } of readMessages<Request>(Deno.stdin.readable)) {
    if ("start" in order) start(id, order.start);
    else programs.get(id)?.obey(order);
  }
  Deno.exit();
}
