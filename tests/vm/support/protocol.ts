/**
 * What a test and the agent in the virtual machine say to each other: one JSON text on a line. Bytes
 * are written in base64.
 *
 * @module
 */

/** What the agent is told about a program. */
export type Order =
  /** Start it, in a session of its own. */
  | {
    readonly start: {
      /** The program and its arguments. */
      readonly command: readonly string[];
      /** All of its environment. */
      readonly env: Readonly<Record<string, string>>;
      /** Its working directory. */
      readonly cwd: string;
    };
  }
  /** Write to its standard input. */
  | { readonly input: string }
  /** End its standard input. */
  | { readonly inputEnds: true }
  /** Send a signal to it, or to all that is in its process group. */
  | { readonly signal: Deno.Signal; readonly to: "program" | "group" };

/** An order, and the program that it is about; its start gives that a number. */
export interface Request {
  /** The program's number. */
  readonly id: number;
  /** What is to be done. */
  readonly order: Order;
}

/** What the agent says about a program. */
export type Report =
  /** It runs. */
  | { readonly pid: number }
  /** It could not be started. */
  | { readonly failed: string }
  /** It wrote something. */
  | { readonly stream: "stdout" | "stderr"; readonly data: string }
  /** It has ended, and so have all who could write to its output. */
  | { readonly code: number };

/** What the agent says: that the machine is up, and reports from then on. */
export type Event =
  | { readonly ready: true }
  | { readonly id: number; readonly report: Report };

/**
 * Reads messages.
 *
 * @param stream What they come in.
 * @returns Each message, parsed.
 * @throws {SyntaxError} When a line is no JSON.
 */
export async function* readMessages<Message>(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Message> {
  let parts: string[] = [];
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const [first = "", ...rest] = text.split("\n");
    parts.push(first);
    for (const begun of rest) {
      yield JSON.parse(parts.join(""));
      parts = [begun];
    }
  }
}

/**
 * Writes a message.
 *
 * @param message The message.
 * @returns The bytes that it is sent as.
 */
export function writeMessage(message: Request | Event): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}
