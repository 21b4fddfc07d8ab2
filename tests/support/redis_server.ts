import { tempFolder } from "./temp_folder.ts";
import { until } from "./until.ts";

/** What tests with a {@linkcode RedisServer} need. */
export const REDIS_PROGRAMS: readonly string[] = ["/usr/bin/redis-server", "/usr/bin/redis-cli"];

/** How to start a {@linkcode RedisServer}. */
export interface RedisServerOptions {
  /** Settings for its command line, without the dashes: `{ requirepass: "secret" }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * A private Redis server on a free port of loopback and on a unix socket, with its data in a
 * temporary folder. Writes down every change before it answers, so that a restart loses nothing.
 */
export class RedisServer implements AsyncDisposable {
  /** Its TCP port. */
  readonly port: number;
  /** Its unix socket. */
  readonly socketPath: string;
  readonly #folder: string;
  readonly #settings: Readonly<Record<string, string>>;
  readonly #cleanUp: () => Promise<void>;
  #process: Deno.ChildProcess | undefined;

  private constructor(
    folder: string,
    { port, settings, cleanUp }: {
      port: number;
      settings: Readonly<Record<string, string>>;
      cleanUp: () => Promise<void>;
    },
  ) {
    this.port = port;
    this.socketPath = `${folder}/redis.sock`;
    this.#folder = folder;
    this.#settings = settings;
    this.#cleanUp = cleanUp;
  }

  /**
   * Starts one.
   *
   * @param options Its settings.
   * @returns The server, answering; disposing it stops it and removes its data.
   */
  static async start({ settings = {} }: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await tempFolder();
    const cleanUp = async () => await folder[Symbol.asyncDispose]();
    const server = new RedisServer(folder.path, { port: freePort(), settings, cleanUp });
    try {
      await server.start();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** Starts it again after {@linkcode stop} or {@linkcode kill}, with its data. */
  async start(): Promise<void> {
    const settings = {
      port: String(this.port),
      bind: "127.0.0.1",
      unixsocket: this.socketPath,
      dir: this.#folder,
      save: "",
      appendonly: "yes",
      ...this.#settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const process = new Deno.Command("redis-server", {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#process = process;
    const ended = process.status.then(({ code }) => {
      throw new Error(`redis-server ended with ${code}: another program may have its port`);
    });
    const answers = until(async () => /PONG|NOAUTH/.test(await this.cli("ping")), {
      what: "redis-server answers",
    });
    ended.catch(() => {}); // later on it ends because it was told to
    await Promise.race([answers, ended]);
  }

  /** Ends it as an operator does: it saves and says goodbye. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Ends it as a power cut does. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** Freezes it: connections stay, nothing is answered. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  /** Ends {@linkcode pause}. */
  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /**
   * Asks it with its own client.
   *
   * @param args The command, and before it options of redis-cli.
   * @returns What redis-cli prints, without the last line end.
   */
  async cli(...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await new Deno.Command("redis-cli", {
      args: ["-s", this.socketPath, "--no-auth-warning", ...args],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return (decoder.decode(stdout) + decoder.decode(stderr)).trimEnd();
  }

  /** Removes everything that it keeps on disk; it must have ended. */
  async forget(): Promise<void> {
    for await (const { name } of Deno.readDir(this.#folder)) {
      await Deno.remove(`${this.#folder}/${name}`, { recursive: true });
    }
  }

  /** Ends it and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#cleanUp();
  }

  async #end(signal: Deno.Signal): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    process.kill(signal);
    await process.status;
  }
}

/**
 * Finds a port that nobody listens on.
 *
 * @returns The port; somebody else may take it before it is used.
 */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
