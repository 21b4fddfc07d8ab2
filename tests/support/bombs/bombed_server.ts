import { fileURLToPath } from "node:url";
import { AppClient } from "#tests/e2e/support/app_client.ts";
import { type ServeOptions, ServeProcess } from "#tests/e2e/support/server.ts";
import { processesOfUids } from "../host_processes.ts";
import type { TempFolder } from "../temp_folder.ts";
import { until } from "../until.ts";

/** What an app can take too much of. */
export const BOMBS = ["fork", "memory", "inode", "fd", "log"] as const;

/** One of {@linkcode BOMBS}. */
export type Bomb = (typeof BOMBS)[number];

const APP = fileURLToPath(new URL("app", import.meta.url));
const DENO_JSON = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

/** How a server is started from its sources. */
export const FROM_SOURCES: Pick<ServeOptions, "prefix" | "executable"> = {
  prefix: [Deno.execPath(), "run", "--allow-all", "--quiet", "--config", DENO_JSON],
  executable: MAIN,
};

/** How long an answer may take, in milliseconds: a bomb uses what there is of the machine. */
const ANSWER_MS = 60_000;
/** How long processes may take to be gone, in milliseconds: the machine may be busy. */
const GONE_MS = 20_000;

/** A server with two apps of one worker each: one is hostile, the other its neighbour. */
export class BombedServer implements AsyncDisposable {
  readonly #server: ServeProcess;
  readonly #hostile: AppClient;
  readonly #neighbour: AppClient;

  private constructor(server: ServeProcess) {
    this.#server = server;
    this.#hostile = new AppClient(server.url, "hostile");
    this.#neighbour = new AppClient(server.url, "neighbour");
  }

  /**
   * Starts one, and a worker of each app.
   *
   * @param folder Where its configuration and its data go.
   * @param executable How it is started.
   * @returns The server.
   */
  static async start(
    folder: TempFolder,
    executable: Pick<ServeOptions, "prefix" | "executable">,
  ): Promise<BombedServer> {
    const app = {
      path: APP,
      cmd: ["perl", "/app/bomber.pl", "{port}"],
      max_sessions_per_worker: 100,
      max_workers: 1,
    };
    const server = await ServeProcess.start(folder, {
      apps: { hostile: app, neighbour: app },
      ...executable,
    });
    try {
      const started = new BombedServer(server);
      await started.#hostile.text("warm");
      await started.ask();
      return started;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * Lets a bomb go off in the hostile app.
   *
   * @param bomb Which one.
   * @returns How far it got.
   */
  detonate(bomb: Bomb): Promise<string> {
    return this.#hostile.text(bomb, { signal: AbortSignal.timeout(ANSWER_MS) });
  }

  /**
   * Asks the neighbour for a page.
   *
   * @returns How long the answer took, in milliseconds.
   * @throws {Error} When it is not the page.
   */
  async ask(): Promise<number> {
    const page = `page-${Math.trunc(Math.random() * 1e9)}`;
    const sinceMs = performance.now();
    const text = await this.#neighbour.text(page, { signal: AbortSignal.timeout(ANSWER_MS) });
    const tookMs = performance.now() - sinceMs;
    if (!text.endsWith(`/${page}`)) {
      throw new Error(`the neighbour answered "${text}" to ${page}`);
    }
    return tookMs;
  }

  /** How much memory the server's process has, in bytes; VmRSS of proc_pid_status(5). */
  rssBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#server.pid}/status`);
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  }

  /** How many processes of both workers there are. */
  processes(): number {
    return processesOfUids(this.#server.ranges.uids).length;
  }

  /**
   * Stops the server, and so its workers.
   *
   * @returns How long it took until no process of theirs was left, in milliseconds.
   */
  async stop(): Promise<number> {
    const sinceMs = performance.now();
    this.#server.kill("SIGTERM");
    await until(() => this.processes() === 0, {
      what: () => `${this.processes()} processes of workers are left: ${this.#server.stderr}`,
      withinMs: GONE_MS,
      everyMs: 10,
    });
    return performance.now() - sinceMs;
  }

  /** Stops it, if that was not done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
  }
}
