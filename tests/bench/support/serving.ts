/** A running server, as its own log shows it. */
export interface Serving extends AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  /**
   * Waits until the log has said something once more since the last call that asked for it.
   *
   * @param message The constant text of the record.
   */
  said(message: string): Promise<void>;
  /** Counts how often the log has said something since the start. */
  timesSaid(message: string): number;
}

/** How long a server may take to say what is waited for, in milliseconds. */
const TIMEOUT_MS = 60_000;

/**
 * Starts `serve` and waits until it serves. Disposing stops it.
 *
 * @param executable The executable.
 * @param configFile Its configuration, in which the port to bind may be 0.
 * @returns The server.
 * @throws {Error} When it ends or says nothing in time, with what it said instead.
 */
export async function startServing(executable: string, configFile: string): Promise<Serving> {
  const child = new Deno.Command(executable, {
    args: ["serve", "--config", configFile, "--skip-preflight"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const log = new ServerLog();
  const reading = log.follow(child.stderr);
  const stop = async () => {
    try {
      child.kill("SIGTERM");
    } catch (error) {
      // It has ended by itself; what waits for its log learns of that.
      if (!(error instanceof TypeError)) throw error;
    }
    await Promise.all([child.status, reading]);
  };
  try {
    const { url } = await log.next("serving");
    const port = Number(new URL(String(url)).port);
    return {
      port,
      said: async (message) => void await log.next(message),
      timesSaid: (message) => log.count(message),
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type LogRecord = Readonly<Record<string, unknown>>;

class ServerLog {
  readonly #records: LogRecord[] = [];
  /** How many records of each message were handed out. */
  readonly #taken = new Map<string, number>();
  #onChange = Promise.withResolvers<void>();
  #hasEnded = false;

  async follow(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#records.push(parseRecord(line));
      this.#changed();
    }
    this.#hasEnded = true;
    this.#changed();
  }

  count(message: string): number {
    return this.#records.filter(({ msg }) => msg === message).length;
  }

  async next(message: string): Promise<LogRecord> {
    const taken = this.#taken.get(message) ?? 0;
    const deadline = AbortSignal.timeout(TIMEOUT_MS);
    const expired = new Promise<void>((resolve) => {
      deadline.addEventListener("abort", () => resolve());
    });
    for (;;) {
      const record = this.#records.filter(({ msg }) => msg === message)[taken];
      if (record !== undefined) {
        this.#taken.set(message, taken + 1);
        return record;
      }
      if (this.#hasEnded || deadline.aborted) {
        const said = this.#records.slice(-5).map((each) => JSON.stringify(each)).join("\n");
        throw new Error(`the server did not say "${message}", but at last: ${said}`);
      }
      await Promise.race([this.#onChange.promise, expired]);
    }
  }

  #changed(): void {
    this.#onChange.resolve();
    this.#onChange = Promise.withResolvers();
  }
}

/** What is wrong with a configuration is said in plain words. */
function parseRecord(line: string): LogRecord {
  return line.startsWith("{") ? JSON.parse(line) : { text: line };
}
