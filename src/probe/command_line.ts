import { parseTcpTarget, type ProbeTarget } from "./target.ts";

/** How to call `probe`. */
export const USAGE = `Usage: blockyard probe [--tcp HOST:PORT]... [--unix PATH]... --timeout D

Tells whether connections can be opened; sends nothing. Prints a line of JSON for
each target. The exit code is 0 when all could be connected to, otherwise 1.

  --tcp HOST:PORT   a TCP port; an IPv6 address stands in brackets (repeatable)
  --unix PATH       a unix socket by its absolute path, an abstract one by @NAME
                    (repeatable)
  --timeout D       how long each target may take, such as 2s or 500ms
  --help            show this text
`;

/** What a command line asks for. */
export type Invocation =
  | { readonly kind: "help" }
  | {
    readonly kind: "probe";
    /** What to connect to, in the order of the command line; at least one. */
    readonly targets: readonly ProbeTarget[];
    /** How long each may take, in milliseconds. */
    readonly timeoutMs: number;
  }
  | {
    readonly kind: "misuse";
    /** What is wrong and what is wanted. */
    readonly problem: string;
  };

/** The longest time that a target may take, in milliseconds. */
const MAX_TIMEOUT_MS = 60_000;

/**
 * Reads the arguments of `probe`.
 *
 * @param args What follows `probe`.
 * @returns What is asked for.
 */
export function parseCommandLine(args: readonly string[]): Invocation {
  if (args.includes("--help")) return { kind: "help" };
  const misuse = (problem: string): Invocation => ({ kind: "misuse", problem });
  const targets: ProbeTarget[] = [];
  let timeoutMs: number | undefined;
  for (let i = 0; i < args.length; i++) {
    const { name, inline } = splitOption(args[i] ?? "");
    if (!["--tcp", "--unix", "--timeout"].includes(name)) {
      return misuse(`${JSON.stringify(name)} is no option: want one of those that --help lists`);
    }
    const value = inline ?? args[++i];
    if (value === undefined) return misuse(`${name} has no value`);
    const quoted = JSON.stringify(value);
    if (name === "--timeout") {
      if (timeoutMs !== undefined) return misuse("--timeout is given twice: want it once");
      timeoutMs = parseTimeout(value);
      if (timeoutMs === undefined) {
        return misuse(`cannot wait for ${quoted}: want 1ms to 60s, such as 2s or 500ms`);
      }
    } else if (name === "--tcp") {
      const target = parseTcpTarget(value);
      if (!target) {
        return misuse(
          `cannot connect to ${quoted}: want HOST:PORT or [IPV6]:PORT, port 1 to 65535`,
        );
      }
      targets.push(target);
    } else {
      if (!/^[/@][^\0]+$/.test(value)) {
        return misuse(`cannot connect to ${quoted}: want the absolute path of a socket, or @NAME`);
      }
      targets.push({ kind: "unix", path: value.replace(/^@/, "\0") });
    }
  }
  if (targets.length === 0) return misuse("there is no target: want --tcp or --unix");
  if (timeoutMs === undefined) return misuse("--timeout is missing: want one such as 2s");
  return { kind: "probe", targets, timeoutMs };
}

function splitOption(text: string): { name: string; inline: string | undefined } {
  const equals = text.startsWith("--") ? text.indexOf("=") : -1;
  if (equals === -1) return { name: text, inline: undefined };
  return { name: text.slice(0, equals), inline: text.slice(equals + 1) };
}

function parseTimeout(text: string): number | undefined {
  const match = /^(\d{1,6})(ms|s)$/.exec(text);
  const ms = Number(match?.[1]) * (match?.[2] === "s" ? 1000 : 1);
  return ms >= 1 && ms <= MAX_TIMEOUT_MS ? ms : undefined;
}
