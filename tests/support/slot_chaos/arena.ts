import { fileURLToPath } from "node:url";
import { MonotonicClock } from "#tests/bench/support/monotonic.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import type { ClaimantJob, HoldReport } from "./claimant.ts";
import { LINE_BYTES, parseJournal } from "./journal.ts";
import type { ProcessJournal } from "./overlaps.ts";

/** What a claimant is told but for its files. */
export type ArenaJob = Omit<ClaimantJob, "machineIdPath" | "journalPath">;

/** One claimant, alive or dead. */
interface Claimant {
  readonly name: string;
  readonly hostId: string;
  readonly journalPath: string;
  readonly child: Deno.ChildProcess;
  readonly output: ReadableStreamDefaultReader<string>;
  /** All that it writes to standard error. */
  readonly errors: Promise<string>;
  killedAtNs?: bigint;
}

const PROGRAM = fileURLToPath(new URL("./claimant.ts", import.meta.url));

/** Processes that claim and release side by side, and what they wrote down. */
export class Arena implements AsyncDisposable {
  readonly #folder: TempFolder;
  readonly #jobOn: (hostId: string) => ArenaJob;
  readonly #claimants: Claimant[] = [];
  readonly #clock = new MonotonicClock();

  /**
   * Makes an arena without processes.
   *
   * @param folder Where journals go.
   * @param jobOn Says what the processes of a host are told.
   */
  constructor(folder: TempFolder, jobOn: (hostId: string) => ArenaJob) {
    this.#folder = folder;
    this.#jobOn = jobOn;
  }

  /** How many claims and releases there were so far, by processes alive or dead. */
  get operations(): number {
    return this.#claimants.reduce((sum, { journalPath }) => sum + sizeOf(journalPath), 0) /
      LINE_BYTES;
  }

  /** How many processes were killed so far. */
  get kills(): number {
    return this.#claimants.length - this.#alive.length;
  }

  get #alive(): Claimant[] {
    return this.#claimants.filter(({ killedAtNs }) => killedAtNs === undefined);
  }

  /**
   * Starts a process, and waits until it claims.
   *
   * @param hostId The host that it says it is on.
   */
  async start(hostId: string): Promise<void> {
    const machineIdPath = await this.#folder.write(`${hostId}.machine-id`, hostId);
    const name = `process ${this.#claimants.length + 1}`;
    const journalPath = `${this.#folder.path}/${name.replace(" ", "-")}.journal`;
    const job: ClaimantJob = {
      ...this.#jobOn(hostId),
      machineIdPath,
      journalPath,
    };
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--quiet", PROGRAM, JSON.stringify(job)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const errors = new Response(child.stderr).text();
    const claimant: Claimant = { name, hostId, journalPath, child, output, errors };
    this.#claimants.push(claimant);
    const failed = claimantError(claimant);
    const claims = until(() => sizeOf(journalPath) > 0, { what: `${name} claims` });
    await Promise.race([claims, failed.then((error) => Promise.reject(error))]);
  }

  /**
   * Kills a process that has begun to claim, whichever.
   *
   * @returns The host that it was on.
   */
  async killOne(): Promise<string> {
    const candidates = this.#alive.filter(({ journalPath }) => sizeOf(journalPath) > 0);
    const victim = candidates[Math.floor(Math.random() * candidates.length)];
    if (victim === undefined) throw new Error("nobody claims");
    await this.#kill(victim);
    return victim.hostId;
  }

  /**
   * Tells all to go on with nothing, and to keep what they hold.
   *
   * @returns What each of them holds, and on which host.
   */
  async hold(): Promise<(HoldReport & { hostId: string })[]> {
    return await Promise.all(this.#alive.map(async (claimant) => {
      const { hostId, output } = claimant;
      await tell(claimant, "hold");
      let text = "";
      while (!text.includes("\n")) {
        const { value, done } = await output.read();
        if (done) throw await claimantError(claimant);
        text += value;
      }
      return { hostId, ...JSON.parse(text.replace("held ", "")) };
    }));
  }

  /**
   * Tells all to give everything back.
   *
   * @returns Their exit codes.
   */
  async finish(): Promise<number[]> {
    return await Promise.all(this.#alive.map(async (claimant) => {
      const { child } = claimant;
      await tell(claimant, "finish");
      const { code } = await child.status;
      await close(claimant);
      return code;
    }));
  }

  /**
   * Reads what all have written.
   *
   * @returns Their journals.
   */
  journals(): ProcessJournal[] {
    return this.#claimants.map(({ name, hostId, journalPath, killedAtNs }) => ({
      name,
      hostId,
      entries: parseJournal(Deno.readTextFileSync(journalPath)),
      ...(killedAtNs !== undefined && { killedAtNs }),
    }));
  }

  /** Ends the processes that are left. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const claimant of this.#alive) await this.#kill(claimant);
    this.#clock[Symbol.dispose]();
  }

  async #kill(claimant: Claimant): Promise<void> {
    // Before the kill: from then on others may rightly have what it held.
    claimant.killedAtNs = this.#clock.nowNs();
    try {
      claimant.child.kill("SIGKILL");
    } catch {
      // It has ended by itself; its journal tells of what.
    }
    await claimant.child.status;
    await close(claimant);
  }
}

async function tell(claimant: Claimant, command: string): Promise<void> {
  const writer = claimant.child.stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(`${command}\n`));
  } catch {
    throw await claimantError(claimant);
  } finally {
    writer.releaseLock();
  }
}

/** Waits for the end of a process that should not have ended. */
async function claimantError({ name, child, errors }: Claimant): Promise<Error> {
  return new Error(`${name} ended with ${(await child.status).code}: ${await errors}`);
}

async function close({ child, output, errors }: Claimant): Promise<void> {
  await Promise.all([output.cancel(), errors]);
  await child.stdin.close().catch(() => {}); // the reader may be gone
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
