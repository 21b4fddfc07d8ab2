import { EXECUTABLE } from "#tests/e2e/support/executable.ts";
import { until } from "#tests/support/until.ts";
import type { CommandOptions } from "./guest_command.ts";
import type { GuestProcess } from "./guest_process.ts";
import type { Vm } from "./vm.ts";

/** What a server in the machine has answered. */
export interface Answer {
  /** The status. */
  readonly status: number;
  /** The value of the cookie that it set; empty if it set none. */
  readonly cookie: string;
  /** The body, as text. */
  readonly body: string;
}

/** One worker, as the API tells it. */
export interface GuestWorker {
  readonly id: string;
  readonly app: string;
  readonly state: string;
  readonly cgroup:
    | { readonly folder: string; readonly path: string; readonly level: number }
    | null;
  readonly exit: Readonly<Record<string, unknown>> | null;
}

/** How a server is started. */
export interface GuestServerOptions extends CommandOptions {
  /** Its configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A folder of its own in the machine, which its user can write to. */
  readonly folder: string;
}

/** How long things may take that are emulated, in milliseconds. */
const SLOW_MS = 120_000;

/** A bash that sends what it reads from standard input to a port, and prints what comes back. */
const EXCHANGE = 'exec 3<>/dev/tcp/127.0.0.1/"$1"; cat >&3; cat <&3';

/** A `blockyard serve` in the machine. Disposing it stops it, and fails when that fails. */
export class GuestServer implements AsyncDisposable {
  readonly #vm: Vm;
  readonly #process: GuestProcess;
  #port = "";
  #token = "";

  private constructor(vm: Vm, process: GuestProcess) {
    this.#vm = vm;
    this.#process = process;
  }

  /**
   * Starts one on a free port.
   *
   * @param vm The machine.
   * @param options How it is started.
   * @returns The server, listening.
   * @throws {Error} When it ends before, with what it wrote.
   */
  static async start(vm: Vm, { config, folder, ...run }: GuestServerOptions): Promise<GuestServer> {
    const { server = {}, ...sections } = config;
    const file = `${folder}/blockyard.yaml`;
    await vm.write(
      file,
      JSON.stringify({
        ...sections,
        server: { data_dir: `${folder}/data`, ...server as object },
      }),
      run,
    );
    const command = [
      ...[EXECUTABLE, "serve", "--config", file],
      ...["--bind", "127.0.0.1:0", "--skip-preflight"],
    ];
    const guest = new GuestServer(vm, await vm.spawn(command, run));
    const url = await guest.said("serving", "url");
    guest.#port = new URL(url).port;
    guest.#token = await vm.sh(`cat ${folder}/data/admin-token`);
    return guest;
  }

  /** Everything that it logged so far. */
  get log(): string {
    return this.#process.stderr;
  }

  /** The port that it listens on. */
  get port(): string {
    return this.#port;
  }

  /** Its pid in the machine. */
  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Waits for a line of its log.
   *
   * @param message Its message.
   * @param field Which field of it is wanted.
   * @returns The field, as text.
   */
  async said(message: string, field: string): Promise<string> {
    return await until(() => {
      const line = this.log.split("\n").find((each) => each.includes(`"msg":"${message}"`));
      return line === undefined ? undefined : String(JSON.parse(line)[field]);
    }, { what: () => `no line "${message}" in the log: ${this.log}`, withinMs: SLOW_MS });
  }

  /**
   * Asks it.
   *
   * @param path The path.
   * @param options The method, a body, and the session's cookie.
   * @returns The answer.
   */
  async ask(
    path: string,
    { method = "GET", body = "", cookie = "" }: {
      method?: string;
      body?: string;
      cookie?: string;
    } = {},
  ): Promise<Answer> {
    const lines = [
      `${method} ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: close",
      `Authorization: Bearer ${this.#token}`,
      ...(cookie === "" ? [] : [`Cookie: blockyard_session=${cookie}`]),
      `Content-Length: ${body.length}`,
    ];
    const { stdout, stderr, code } = await this.#vm.run(
      ["/bin/bash", "-c", EXCHANGE, "bash", this.#port],
      { input: `${lines.join("\r\n")}\r\n\r\n${body}`, timeoutMs: SLOW_MS },
    );
    if (code !== 0) throw new Error(`cannot ask for ${path}: ${stderr}`);
    const end = stdout.indexOf("\r\n\r\n");
    const head = stdout.slice(0, end);
    return {
      status: Number(head.split(" ")[1]),
      cookie: /^set-cookie: blockyard_session=([^;]+)/im.exec(head)?.[1] ?? "",
      body: stdout.slice(end + 4),
    };
  }

  /**
   * Asks the API.
   *
   * @param path What follows `/api/v1`.
   * @param options As for {@linkcode GuestServer.ask}.
   * @returns The JSON that it answers.
   * @throws {Error} When the status is not 200.
   */
  // deno-lint-ignore no-explicit-any -- tests look into it as they like
  async api(path: string, options: { method?: string; body?: string } = {}): Promise<any> {
    const { status, body } = await this.ask(`/api/v1${path}`, options);
    if (status !== 200) throw new Error(`${path} is answered with ${status}: ${body}`);
    return JSON.parse(body);
  }

  /**
   * Finds the workers of an app.
   *
   * @param app Its name.
   * @returns All that the server knows of.
   */
  async workers(app: string): Promise<GuestWorker[]> {
    const { workers } = await this.api("/workers");
    return workers.filter((worker: GuestWorker) => worker.app === app);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    const { code, stderr } = await this.#process.outcome(SLOW_MS);
    if (code !== 0) throw new Error(`the server ended with ${code}: ${stderr}`);
  }
}
