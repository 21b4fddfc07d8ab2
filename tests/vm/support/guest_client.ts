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
  readonly uid: number;
  readonly cgroup:
    | { readonly folder: string; readonly path: string; readonly level: number }
    | null;
  readonly exit: Readonly<Record<string, unknown>> | null;
}

/** How long things may take that are emulated, in milliseconds. */
const SLOW_MS = 120_000;

/** A bash that sends what it reads from standard input to a port, and prints what comes back. */
const EXCHANGE = 'exec 3<>/dev/tcp/127.0.0.1/"$1"; cat >&3; cat <&3';

/** Where a server in the machine is asked, and with which right. */
export interface Access {
  /** The port that it listens on, of the loopback. */
  readonly port: string;
  /** The administrator's token. */
  readonly token: string;
}

/** Asks a server in the machine. */
export class GuestClient {
  readonly #vm: Vm;
  readonly #access: Access;

  /**
   * Makes one.
   *
   * @param vm The machine.
   * @param access Where the server is, and what it wants to be shown.
   */
  constructor(vm: Vm, access: Access) {
    this.#vm = vm;
    this.#access = access;
  }

  /** The port that the server listens on. */
  get port(): string {
    return this.#access.port;
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
      `Authorization: Bearer ${this.#access.token}`,
      ...(cookie === "" ? [] : [`Cookie: blockyard_session=${cookie}`]),
      `Content-Length: ${body.length}`,
    ];
    const { stdout, stderr, code } = await this.#vm.run(
      ["/bin/bash", "-c", EXCHANGE, "bash", this.port],
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
   * @param options As for {@linkcode GuestClient.ask}.
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
}
