import { nearestName, UsageError } from "#src/core/mod.ts";
import {
  builtInProgram,
  type CallExplanation,
  explainCall,
  isSeccompArch,
  KNOWN_CALLS,
  SECCOMP_ARCH_NAMES,
  type SeccompArch,
} from "#src/sandbox/mod.ts";
import { type CommandSpec, parseCommand } from "./args.ts";
import { commandHelp } from "./help.ts";
import { print, printBytes } from "./print.ts";

/** What `seccomp` understands. */
export const SECCOMP = {
  name: "seccomp",
  summary: "write the built-in system call filter of workers, or say what it does with a call",
  options: {
    arch: { type: "string", value: "ARCH", help: "x86_64 or aarch64; this machine's if not given" },
    explain: {
      type: "string",
      value: "NAME",
      help: "say what becomes of this system call, and why, and write no filter",
    },
    json: { type: "boolean", help: "with --explain: print it as JSON" },
  },
} as const satisfies CommandSpec;

/** How many names an unknown one is answered with at most. */
const MAX_SUGGESTIONS = 3;

/**
 * Writes the filter to standard output, as `process.seccomp_profile` and `bwrap --seccomp` take it,
 * or an explanation.
 *
 * @param args What follows `seccomp`.
 * @returns The exit code, 0.
 * @throws {UsageError} When the arguments cannot be used.
 * @throws {Error} When standard output is a terminal, which a filter would upset.
 */
export function seccomp(args: readonly string[]): number {
  const { help, options } = parseCommand(SECCOMP, args);
  if (help) {
    print(commandHelp(SECCOMP, "blockyard"));
    return 0;
  }
  const arch = parseArch(options.arch);
  if (options.explain !== undefined) {
    const explanation = explainCall(options.explain, arch);
    if (explanation === undefined) throw unknownCall(options.explain);
    print(
      options.json
        ? `${JSON.stringify(explanationJson(explanation), null, 2)}\n`
        : explanationText(explanation),
    );
    return 0;
  }
  if (options.json) {
    throw new UsageError("option --json is about no call: want --explain NAME, too");
  }
  if (Deno.stdout.isTerminal()) {
    throw new Error(
      "cannot write a compiled filter to a terminal: want a file or a pipe, as in " +
        "blockyard seccomp > blockyard.bpf",
    );
  }
  printBytes(builtInProgram(arch));
  return 0;
}

function parseArch(text: string = Deno.build.arch): SeccompArch {
  if (isSeccompArch(text)) return text;
  const want = SECCOMP_ARCH_NAMES.join(" or ");
  throw new UsageError(`there is no policy for ${JSON.stringify(text)}: want --arch ${want}`);
}

function unknownCall(name: string): UsageError {
  const near: string[] = [];
  while (near.length < MAX_SUGGESTIONS) {
    const next = nearestName(name, KNOWN_CALLS.filter((call) => !near.includes(call)));
    if (next === undefined) break;
    near.push(next);
  }
  const want = near.length === 0
    ? "the name of one, such as openat"
    : near.map((call) => JSON.stringify(call)).join(" or ");
  return new UsageError(
    `unknown system call ${JSON.stringify(name)}: want ${want} (the policy knows those of Linux ` +
      "6.1, and refuses later ones with ENOSYS)",
  );
}

/** Fields that scripts may rely on. */
function explanationJson(it: CallExplanation): unknown {
  const { call, arch, number = null, verdict, errno = null, conditions, group, reason } = it;
  return { call, arch, number, verdict, errno, conditions, group, reason };
}

function explanationText(it: CallExplanation): string {
  const { call, arch, number, conditions, group, reason } = it;
  const name = number === undefined ? call : `${call} (number ${number} on ${arch})`;
  const cases = conditions.map((tests) => `  ${tests.join(", ")}\n`);
  return `${name}: ${verdictText(it)}\n${cases.join("")}${group}: ${reason}\n`;
}

function verdictText({ verdict, arch, errno, conditions }: CallExplanation): string {
  if (verdict === "absent") return `no call of ${arch}`;
  if (verdict === "allowed") return "allowed";
  if (verdict === "refused") return `refused with ${errno}`;
  const which = conditions.length === 1 ? "this holds" : "one of these lines holds";
  return `allowed if ${which}, refused with ${errno} otherwise`;
}
