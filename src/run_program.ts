/** How a program ended. */
export interface ProgramEnding {
  /** Its exit code; 128 + N when signal N ended it, 124 when it took too long and was killed. */
  readonly code: number;
  /** What it wrote to standard output, cut after 64 KiB. */
  readonly stdout: string;
  /** What it wrote to standard error, cut after 64 KiB. */
  readonly stderr: string;
}

/** The exit code of what took too long, as of timeout(1). */
const EXIT_TIMEOUT = 124;
/** How much of each stream is kept, in bytes. */
const MAX_OUTPUT_BYTES = 64 * 1024;
/** How long streams may stay open that a killed program's children hold, in milliseconds. */
const OUTPUT_GRACE_MS = 500;

/**
 * Runs a program to its end with a small environment of its own, in the root folder.
 *
 * @param command The program by its absolute path, and its arguments.
 * @param options `timeoutMs` is after how long it is killed, with what it has started; `env` is more
 * environment; `input` is what it reads from standard input, nothing if not given; `signal` kills it.
 * @returns How it ended.
 * @throws {Error} When it cannot be started, or was not because of `signal`.
 */
export async function runProgram(
  command: readonly string[],
  { timeoutMs, env = {}, input, signal }: {
    timeoutMs: number;
    env?: Readonly<Record<string, string>>;
    input?: string | undefined;
    signal?: AbortSignal | undefined;
  },
): Promise<ProgramEnding> {
  signal?.throwIfAborted();
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, {
    args,
    env: { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: "/tmp", LANG: "C.UTF-8", ...env },
    clearEnv: true,
    cwd: "/",
    // A session and so a process group of its own, by which all of it can be killed.
    detached: true,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    kill(child);
  }, timeoutMs);
  const onAbort = () => kill(child);
  signal?.addEventListener("abort", onAbort);
  const stdout = new Capture(child.stdout);
  const stderr = new Capture(child.stderr);
  try {
    if (input !== undefined) await feed(child.stdin, input);
    const { code } = await child.status;
    clearTimeout(timer);
    await Promise.all([stdout.finish(), stderr.finish()]);
    return { code: timedOut ? EXIT_TIMEOUT : code, stdout: stdout.text, stderr: stderr.text };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function kill(child: Deno.ChildProcess): void {
  try {
    Deno.kill(-child.pid, "SIGKILL");
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function feed(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  // A program need not read its input.
  await writer.write(new TextEncoder().encode(input)).catch(() => undefined);
  await writer.close().catch(() => undefined);
}

/** Reads a stream to its end and keeps its beginning. */
class Capture {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #done: Promise<void>;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
    this.#done = this.#read();
  }

  /** Waits for the end; what the program's own children hold open is given up after a moment. */
  async finish(): Promise<void> {
    const timer = setTimeout(() => this.#reader.cancel().catch(() => undefined), OUTPUT_GRACE_MS);
    await this.#done;
    clearTimeout(timer);
  }

  get text(): string {
    const decoder = new TextDecoder();
    return this.#chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") +
      decoder.decode();
  }

  async #read(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) return;
      const room = MAX_OUTPUT_BYTES - this.#bytes;
      if (room > 0) this.#chunks.push(value.subarray(0, room));
      this.#bytes += value.length;
    }
  }
}
