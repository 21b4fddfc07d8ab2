import { descendantsOf, type HostProcess } from "#tests/support/host_processes.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { environment, EXECUTABLE } from "./executable.ts";
import { type OwnRanges, ownRanges, rangesAsEnvironment } from "./ranges.ts";

/** One line of a server's log. */
export type LogRecord = Readonly<Record<string, unknown>> & {
  readonly level: string;
  readonly msg: string;
};

/** How a server is started. */
export interface ServeOptions {
  /** The apps, by their names, as a configuration file describes them. */
  readonly apps?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The section `proxy` of the file. */
  readonly proxy?: Readonly<Record<string, unknown>>;
  /** The section `process` of the file. */
  readonly process?: Readonly<Record<string, unknown>>;
  /** Whether it checks the host first; tests of other things go without, to be quicker. */
  readonly preflight?: boolean;
  /** Arguments after `serve`, in place of those for the file. */
  readonly args?: readonly string[];
  /** What is set in its environment besides the usual. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that executes what its last arguments say, such as `setpriv --reuid=65431`. */
  readonly prefix?: readonly string[];
  /** The executable, if not the usual one. */
  readonly executable?: string;
}

/** How long a server may take to listen, in milliseconds. */
const START_MS = 60_000;
/** How long one may take to stop, which is more than it grants its apps; milliseconds. */
const STOP_MS = 30_000;

/** A running `blockyard serve`, in a session of its own. Disposing it ends it. */
export class ServeProcess implements AsyncDisposable {
  /** What it hands out. */
  readonly ranges: OwnRanges;
  /** What it has logged so far. */
  readonly records: LogRecord[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #status: Promise<Deno.CommandStatus>;
  readonly #read: Promise<unknown>;
  #stdout = "";
  #stderr = "";
  #hasEnded = false;
  #url = "";

  private constructor(child: Deno.ChildProcess, ranges: OwnRanges) {
    this.#child = child;
    this.ranges = ranges;
    this.#status = child.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
    this.#read = Promise.all([
      collect(child.stdout, (text) => this.#stdout += text),
      collect(child.stderr, (text) => this.#addLog(text)),
    ]);
  }

  /**
   * Starts a server on a free port.
   *
   * @param folder Where its configuration and its data go.
   * @param options How it is started.
   * @returns The server, listening.
   * @throws {Error} When it ends before, with what it wrote.
   */
  static async start(folder: TempFolder, options: ServeOptions = {}): Promise<ServeProcess> {
    const ranges = ownRanges();
    const args = options.args ?? ["--config", await writeConfig(folder, options)];
    const [program = "", ...rest] = [
      ...options.prefix ?? [],
      options.executable ?? EXECUTABLE,
      "serve",
      ...args,
      ...["--bind", "127.0.0.1:0"],
      ...options.preflight === true ? [] : ["--skip-preflight"],
    ];
    const child = new Deno.Command(program, {
      args: rest,
      cwd: "/",
      env: environment({ ...rangesAsEnvironment(ranges), ...options.env }),
      clearEnv: true,
      detached: true,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const server = new ServeProcess(child, ranges);
    try {
      const { url } = await server.record("serving", { withinMs: START_MS });
      server.#url = String(url);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The process. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Where it listens. */
  get url(): string {
    return this.#url;
  }

  /** Everything that it wrote to standard output so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Everything that it wrote to standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /**
   * Waits for a line of the log.
   *
   * @param message Its message.
   * @param options `fields` are values that it has, too; `withinMs` is how long to wait at most.
   * @returns The first line that fits.
   * @throws {Error} When the server ends without it, or it does not come in time.
   */
  record(
    message: string,
    { fields = {}, withinMs }: { fields?: Record<string, unknown>; withinMs?: number } = {},
  ): Promise<LogRecord> {
    return until(() => {
      const found = this.#find(message, fields);
      if (found === undefined && this.#hasEnded) {
        throw new Error(`the server ended without "${message}": ${this.#stderr}`);
      }
      return found;
    }, {
      what: () => `no line "${message}" ${JSON.stringify(fields)} in the log: ${this.#stderr}`,
      ...(withinMs !== undefined && { withinMs }),
    });
  }

  /**
   * Finds the R process of an app's worker that started last.
   *
   * @param app The app.
   * @returns The process, and what the log says of its worker.
   */
  async rOf(app: string): Promise<{ r: HostProcess; worker: string; uid: number; port: number }> {
    await this.record("worker started", { fields: { app } });
    const started = this.records.findLast(({ msg, app: of }) =>
      msg === "worker started" && of === app
    );
    const r = await until(
      () => descendantsOf(Number(started?.pid)).find(({ name }) => name === "R"),
      { what: `no R below process ${started?.pid}` },
    );
    return {
      r,
      worker: String(started?.worker),
      uid: Number(started?.uid),
      port: Number(started?.port),
    };
  }

  /**
   * Sends a signal to the server alone.
   *
   * @param signal The signal.
   */
  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /**
   * Waits until the server has ended.
   *
   * @returns How it ended.
   * @throws {Error} When it does not end in time.
   */
  async ended(): Promise<Deno.CommandStatus> {
    await until(() => this.#hasEnded, {
      what: () => `the server does not end: ${this.#stderr}`,
      withinMs: STOP_MS,
    });
    await this.#read;
    return await this.#status;
  }

  /** Ends it if it runs: by SIGTERM, and by SIGKILL when that does not help. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGTERM");
    try {
      await this.ended();
    } finally {
      if (!this.#hasEnded) this.#child.kill("SIGKILL");
      await Promise.all([this.#status, this.#read]);
    }
  }

  #find(message: string, fields: Record<string, unknown>): LogRecord | undefined {
    return this.records.find((record) =>
      record.msg === message &&
      Object.entries(fields).every(([name, value]) => record[name] === value)
    );
  }

  #addLog(text: string): void {
    const unfinished = this.#stderr.slice(this.#stderr.lastIndexOf("\n") + 1);
    this.#stderr += text;
    const lines = (unfinished + text).split("\n");
    for (const line of lines.slice(0, -1)) {
      if (line.startsWith("{")) this.records.push(JSON.parse(line));
    }
  }
}

/** JSON is YAML, YAML 1.2 section 1.3. */
async function writeConfig(
  folder: TempFolder,
  { apps = {}, proxy = {}, process = {} }: ServeOptions,
): Promise<string> {
  const server = { data_dir: `${folder.path}/data`, log_level: "debug" };
  return await folder.write("blockyard.yaml", JSON.stringify({ server, process, proxy, apps }));
}

async function collect(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  add: (text: string) => void,
): Promise<void> {
  for await (const text of stream.pipeThrough(new TextDecoderStream())) add(text);
}
