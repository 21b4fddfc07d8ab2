import { EXECUTABLE } from "#tests/e2e/support/executable.ts";
import { until } from "#tests/support/until.ts";
import type { CommandOptions } from "./guest_command.ts";
import { type Access, GuestClient } from "./guest_client.ts";
import type { GuestProcess } from "./guest_process.ts";
import type { Vm } from "./vm.ts";

/** How a server is started. */
export interface GuestServerOptions extends CommandOptions {
  /** Its configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A folder of its own in the machine, which its user can write to. */
  readonly folder: string;
}

/** How long things may take that are emulated, in milliseconds. */
const SLOW_MS = 120_000;

/** A `blockyard serve` in the machine. Disposing it stops it, and fails when that fails. */
export class GuestServer extends GuestClient implements AsyncDisposable {
  readonly #process: GuestProcess;

  private constructor(vm: Vm, { process, ...access }: Access & { process: GuestProcess }) {
    super(vm, access);
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
    const process = await vm.spawn(command, run);
    const { port } = new URL(await said(process, "serving", "url"));
    const token = await vm.sh(`cat ${folder}/data/admin-token`);
    return new GuestServer(vm, { process, port, token });
  }

  /** Everything that it logged so far. */
  get log(): string {
    return this.#process.stderr;
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
    return await said(this.#process, message, field);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGTERM");
    const { code, stderr } = await this.#process.outcome(SLOW_MS);
    if (code !== 0) throw new Error(`the server ended with ${code}: ${stderr}`);
  }
}

async function said(process: GuestProcess, message: string, field: string): Promise<string> {
  return await until(() => {
    const line = process.stderr.split("\n").find((each) => each.includes(`"msg":"${message}"`));
    return line === undefined ? undefined : String(JSON.parse(line)[field]);
  }, { what: () => `no line "${message}" in the log: ${process.stderr}`, withinMs: SLOW_MS });
}
