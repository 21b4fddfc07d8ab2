import type { Order, Report } from "./protocol.ts";
import { within } from "./within.ts";

/** How a program ended. */
export interface Outcome {
  /** Its exit code; 128 + N when signal N ended it. */
  readonly code: number;
  /** Its standard output, as text. */
  readonly stdout: string;
  /** Its standard error, as text. */
  readonly stderr: string;
  /** Its standard output, as it is. */
  readonly bytes: Uint8Array;
}

/** How long a program may take to start, in milliseconds. */
const START_MS = 60_000;
/** How long a program that was killed may take to end, in milliseconds. */
const KILL_MS = 10_000;
/** How much goes into one message, in bytes. */
const INPUT_BYTES = 48 * 1024;

/**
 * A program that was started in the virtual machine. It is the leader of a session and of a process
 * group.
 */
export class GuestProcess implements AsyncDisposable {
  readonly #command: readonly string[];
  readonly #send: (order: Order) => void;
  readonly #starting = Promise.withResolvers<true>();
  readonly #ending = Promise.withResolvers<number>();
  readonly #output = { stdout: new Bytes(), stderr: new Bytes() };
  #pid = 0;

  /**
   * Makes one that is about to start.
   *
   * @param command The program and its arguments, for messages.
   * @param send Tells the agent something about it.
   */
  constructor(command: readonly string[], send: (order: Order) => void) {
    this.#command = command;
    this.#send = send;
    // Nobody need wait for either.
    this.#starting.promise.catch(() => undefined);
    this.#ending.promise.catch(() => undefined);
  }

  /**
   * Waits until it runs.
   *
   * @throws {Error} When it cannot be started, or the machine does not come to it.
   */
  async started(): Promise<void> {
    if (await within(START_MS, this.#starting.promise)) return;
    throw new Error(`${this.#command.join(" ")} was not started after ${START_MS} ms`);
  }

  /** Its pid in the machine. */
  get pid(): number {
    return this.#pid;
  }

  /** What it has written to standard output so far, as text. */
  get stdout(): string {
    return this.#output.stdout.text;
  }

  /** What it has written to standard error so far, as text. */
  get stderr(): string {
    return this.#output.stderr.text;
  }

  /**
   * Gives it something to read from standard input.
   *
   * @param data What it reads.
   */
  write(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    for (let start = 0; start < bytes.length; start += INPUT_BYTES) {
      this.#send({ input: bytes.subarray(start, start + INPUT_BYTES).toBase64() });
    }
  }

  /** Ends its standard input. */
  endInput(): void {
    this.#send({ inputEnds: true });
  }

  /**
   * Sends a signal to it, and to nothing that it started.
   *
   * @param signal The signal.
   */
  kill(signal: Deno.Signal): void {
    this.#send({ signal, to: "program" });
  }

  /**
   * Waits for its end, and for the end of those it started that can write to its output.
   *
   * @param timeoutMs After how long its process group is killed, in milliseconds.
   * @returns How it ended.
   * @throws {Error} When it is not finished in time, with what it has written.
   */
  async outcome(timeoutMs = 60_000): Promise<Outcome> {
    const code = await within(timeoutMs, this.#ending.promise);
    const { stdout, stderr } = this;
    if (code !== undefined) return { code, stdout, stderr, bytes: this.#output.stdout.all };
    await this[Symbol.asyncDispose]();
    const name = this.#command.join(" ");
    throw new Error(`${name} was not finished after ${timeoutMs} ms: ${stderr}${stdout}`);
  }

  /** Kills its process group, and waits for its end as {@linkcode GuestProcess.outcome} does. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#send({ signal: "SIGKILL", to: "group" });
    // A machine that has ended has ended the program, too.
    await within(KILL_MS, this.#ending.promise).catch(() => undefined);
  }

  /**
   * Hears what the agent says about it.
   *
   * @param report What it says.
   * @returns Whether that was the last of it.
   */
  hear(report: Report): boolean {
    if ("stream" in report) {
      this.#output[report.stream].add(Uint8Array.fromBase64(report.data));
      return false;
    }
    if ("pid" in report) {
      this.#pid = report.pid;
      this.#starting.resolve(true);
      return false;
    }
    if ("code" in report) this.#ending.resolve(report.code);
    else this.fail(new Error(`cannot start ${this.#command.join(" ")}: ${report.failed}`));
    return true;
  }

  /**
   * Tells whoever waits for it that nothing more will be heard.
   *
   * @param error Why.
   */
  fail(error: Error): void {
    this.#starting.reject(error);
    this.#ending.reject(error);
  }
}

/** Bytes that come one after the other. */
class Bytes {
  readonly #parts: Uint8Array<ArrayBuffer>[] = [];

  add(part: Uint8Array<ArrayBuffer>): void {
    this.#parts.push(part);
  }

  get all(): Uint8Array {
    const all = new Uint8Array(this.#parts.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const part of this.#parts) {
      all.set(part, offset);
      offset += part.length;
    }
    return all;
  }

  get text(): string {
    return new TextDecoder().decode(this.all);
  }
}
