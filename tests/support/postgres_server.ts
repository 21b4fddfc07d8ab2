import { descendantsOf } from "./host_processes.ts";
import { type TempFolder, tempFolder } from "./temp_folder.ts";
import { until } from "./until.ts";

/** Where Debian puts the programs of the server, which are not in PATH. */
export const POSTGRES_BIN = "/usr/lib/postgresql/15/bin";

/** The programs that tests need, for `needs()`. */
export const POSTGRES_FILES: readonly string[] = [
  `${POSTGRES_BIN}/initdb`,
  `${POSTGRES_BIN}/postgres`,
  "/usr/bin/psql",
];

/** The password of the superuser `postgres` over TCP; the socket lets everybody in. */
export const PASSWORD = "s3cret/of the:superuser";

/** The server refuses to run as root; `nobody` is on every host. */
const NOBODY = 65534;

/** Nothing of it has to survive the machine. */
const SETTINGS: readonly string[] = ["fsync=off", "shared_buffers=16MB", "max_connections=60"];

/** A PostgreSQL server of a test's own, on a free port and a socket in a temporary folder. */
export class PostgresServer implements AsyncDisposable {
  /** The folder of its socket. */
  readonly socketFolder: string;
  /** Its port on 127.0.0.1. */
  readonly port: number;
  readonly #folder: TempFolder;
  readonly #settings: readonly string[];
  #process: Deno.ChildProcess | undefined;

  private constructor(folder: TempFolder, settings: readonly string[]) {
    this.#folder = folder;
    this.#settings = [...SETTINGS, ...settings];
    this.socketFolder = `${folder.path}/run`;
    this.port = freePort();
  }

  /**
   * Makes a server with empty databases, and starts it.
   *
   * @param options `settings` are more lines for its configuration: `log_statement=all`.
   * @returns The running server.
   */
  static start(options: { settings?: readonly string[] } = {}): Promise<PostgresServer> {
    return PostgresServer.#make(options.settings ?? [], async (data, folder) => {
      const password = await folder.write("password", PASSWORD);
      await asNobody(`${POSTGRES_BIN}/initdb`, [
        ...["-D", data, "--no-sync", "-U", "postgres", "-E", "UTF8", "--locale=C"],
        ...["--auth-local=trust", "--auth-host=scram-sha-256", `--pwfile=${password}`],
      ]);
    });
  }

  /**
   * Makes a standby that follows a server, and starts it.
   *
   * @param primary The server to follow.
   * @returns The running standby.
   */
  static startStandby(primary: PostgresServer): Promise<PostgresServer> {
    return PostgresServer.#make([], async (data) => {
      await asNobody(`${POSTGRES_BIN}/pg_basebackup`, [
        ...["-D", data, "--no-sync", "--checkpoint=fast", "--write-recovery-conf"],
        ...["-h", primary.socketFolder, "-p", String(primary.port), "-U", "postgres"],
      ]);
    });
  }

  static async #make(
    settings: readonly string[],
    fill: (data: string, folder: TempFolder) => Promise<void>,
  ): Promise<PostgresServer> {
    const folder = await tempFolder();
    try {
      const server = new PostgresServer(folder, settings);
      for (const name of ["run", "data"]) {
        await folder.folder(name, 0o700);
        if (Deno.uid() === 0) await Deno.chown(`${folder.path}/${name}`, NOBODY, NOBODY);
      }
      await fill(server.#data, folder);
      await server.start();
      return server;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  get #data(): string {
    return `${this.#folder.path}/data`;
  }

  /**
   * Names a database of this server.
   *
   * @param options `socketFolder` goes over a socket in that folder instead of TCP; `port` over
   * another port, that of a proxy; a `password` of undefined is left out.
   * @returns Its URL.
   */
  url(
    options: {
      database?: string;
      user?: string;
      password?: string | undefined;
      port?: number;
      socketFolder?: string;
    } = {},
  ): string {
    const { database = "postgres", user = "postgres", port = this.port, socketFolder } = options;
    if (socketFolder !== undefined) {
      return `postgresql:///${database}?host=${socketFolder}&port=${port}&user=${user}`;
    }
    const password = "password" in options ? options.password : PASSWORD;
    const login = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
    return `postgresql://${login}@127.0.0.1:${port}/${database}`;
  }

  /**
   * Asks the server through its own client.
   *
   * @param sql Statements; several run as one transaction.
   * @param options `database` is which one.
   * @returns The rows of the answers, a line each, columns joined with `|`.
   */
  async psql(sql: string, { database = "postgres" } = {}): Promise<string[]> {
    const { success, stdout, stderr } = await this.psqlCommand(sql, { database }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
  }

  /** The command behind {@linkcode PostgresServer.psql}, for sessions that stay. */
  psqlCommand(sql: string, { database = "postgres" } = {}): Deno.Command {
    return new Deno.Command("/usr/bin/psql", {
      args: [
        ...["-XAtq", "-v", "ON_ERROR_STOP=1", "-h", this.socketFolder, "-p", String(this.port)],
        ...["-U", "postgres", "-d", database, "-c", sql],
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Starts the server, and waits until it answers. */
  async start(): Promise<void> {
    const log = `${this.#folder.path}/data/server.log`;
    const settings = [
      ...this.#settings,
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      `unix_socket_directories=${this.socketFolder}`,
    ];
    const process = unprivileged("/bin/sh", [
      ...["-c", 'exec "$@" 2>>"$0"', log, `${POSTGRES_BIN}/postgres`, "-D", this.#data],
      ...settings.flatMap((setting) => ["-c", setting]),
    ], { stderr: "null" }).spawn();
    this.#process = process;
    let hasEnded = false;
    process.status.then(() => hasEnded = true);
    const what = () => `postgres answers; its log: ${Deno.readTextFileSync(log)}`;
    await until(async () => {
      if (hasEnded) throw new Error(`postgres ended: ${Deno.readTextFileSync(log)}`);
      return await this.psql("SELECT 1").then(() => true, () => false);
    }, { what });
  }

  /** Ends the server at once, as a crash would; what was committed is there after a start. */
  async stop(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process === undefined) return;
    // Immediate shutdown, postgres(1).
    process.kill("SIGQUIT");
    process.kill("SIGCONT");
    await process.status;
  }

  /** Makes every process of the server stand still: connections stay open, nothing answers. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  /** Lets a paused server go on. */
  resume(): void {
    this.#signal("SIGCONT");
  }

  #signal(signal: Deno.Signal): void {
    if (this.#process === undefined) return;
    // The parent first: it makes no new ones then.
    this.#process.kill(signal);
    for (const { pid } of descendantsOf(this.#process.pid)) {
      try {
        Deno.kill(pid, signal);
      } catch (error) {
        // Some of them, those of the vacuum for example, come and go.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }

  /** Ends the server and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.resume();
    await this.stop();
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function asNobody(program: string, args: readonly string[]): Promise<void> {
  const command = unprivileged(program, args);
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

/** Ends with the test program, even if that is killed. */
function unprivileged(
  program: string,
  args: readonly string[],
  { stderr = "piped" }: { stderr?: "piped" | "null" } = {},
): Deno.Command {
  const identity = Deno.uid() === 0
    ? ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"]
    : [];
  return new Deno.Command("/usr/bin/setpriv", {
    args: [...identity, "--pdeathsig", "KILL", program, ...args],
    // The caller's folder may be closed to the server's user.
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr,
  });
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
