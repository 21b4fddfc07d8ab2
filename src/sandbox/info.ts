import { type Pid, toPid } from "#src/core/mod.ts";
import { AT_GATE } from "./gate.ts";

/** What bwrap reports of a sandbox before its program starts. */
export interface SandboxInfo {
  /** The first process in the sandbox's pid namespace, by its id on the host. */
  readonly initPid: Pid;
}

/** The report is a handful of short lines; more is not one. */
const MAX_REPORT_BYTES = 4096;

/** The output of a launcher, taken apart. */
export interface SplitOutput {
  /** bwrap's report; undefined when the output ended without one. */
  readonly info: Promise<SandboxInfo | undefined>;
  /** Whether the program came to the gate; false when the output ended before, or there is none. */
  readonly atGate: Promise<boolean>;
  /** The output behind both, which must be read to its end. */
  readonly rest: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Separates bwrap's report (`--info-fd`, one JSON object) and the sign that the program is at the
 * gate from the output that follows them on the same pipe. bwrap writes the report before it lets
 * the sandbox run, so that nothing of the program can come before or inside it.
 *
 * @param output What the launcher's standard output delivers.
 * @returns Its parts.
 */
export function splitOutput(output: ReadableStream<Uint8Array<ArrayBuffer>>): SplitOutput {
  const reader = output.getReader();
  const info = Promise.withResolvers<SandboxInfo | undefined>();
  const atGate = Promise.withResolvers<boolean>();
  const rest = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async start(controller) {
      try {
        const { report, behind } = await readReport(reader);
        info.resolve(report);
        const first = report === undefined || behind.length > 0 ? behind : await readSome(reader);
        const isAtGate = report !== undefined && first[0] === AT_GATE;
        atGate.resolve(isAtGate);
        const output = isAtGate ? first.subarray(1) : first;
        if (output.length > 0) controller.enqueue(output);
      } finally {
        info.resolve(undefined);
        atGate.resolve(false);
      }
    },
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { info: info.promise, atGate: atGate.promise, rest };
}

/** At least one byte, unless the output has ended. */
async function readSome(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
): Promise<Uint8Array<ArrayBuffer>> {
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return new Uint8Array(0);
    if (value.length > 0) return value;
  }
}

async function readReport(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>): Promise<
  { report: SandboxInfo | undefined; behind: Uint8Array<ArrayBuffer> }
> {
  let buffer = new Uint8Array(0);
  while (buffer.length < MAX_REPORT_BYTES) {
    const { value, done } = await reader.read();
    if (done) break;
    const joined = new Uint8Array(buffer.length + value.length);
    joined.set(buffer);
    joined.set(value, buffer.length);
    buffer = joined;
    // The object is flat: its first closing brace ends it, and bwrap puts a line end behind it.
    const end = buffer.indexOf("}".charCodeAt(0));
    if (end !== -1 && buffer.length > end + 1) {
      const report = parseReport(new TextDecoder().decode(buffer.subarray(0, end + 1)));
      return { report, behind: report === undefined ? buffer : buffer.slice(end + 2) };
    }
  }
  return { report: undefined, behind: buffer };
}

function parseReport(text: string): SandboxInfo | undefined {
  try {
    const report: unknown = JSON.parse(text);
    if (typeof report === "object" && report !== null && "child-pid" in report) {
      return { initPid: toPid(Number(report["child-pid"])) };
    }
  } catch {
    return undefined;
  }
  return undefined;
}
