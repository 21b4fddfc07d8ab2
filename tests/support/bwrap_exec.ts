import { selfCommand } from "#src/self_command.ts";

/** The uid that a launcher of these tests takes. */
export const UID = 1_920_000_001;
/** The gid that a launcher of these tests takes. */
export const GID = 1_920_000_000;

/** How a launcher, or what it became, ended. */
export interface Outcome {
  /** Its exit code. */
  code: number;
  /** What it wrote. */
  stdout: string;
  /** What it complained about. */
  stderr: string;
}

/**
 * Starts a launcher, with an environment that holds a secret.
 *
 * @param args What follows `bwrap-exec`.
 * @param streams What becomes of its streams; each is a pipe if not given.
 * @returns The launcher.
 */
export function startLauncher(
  args: readonly string[],
  streams: Partial<Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">> = {},
): Deno.ChildProcess {
  const { program, args: selfArgs, env } = selfCommand(["bwrap-exec", ...args]);
  return new Deno.Command(program, {
    args: [...selfArgs],
    env: { ...env, SECRET_OF_SERVER: "hunter2" },
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    ...streams,
  }).spawn();
}

/**
 * Runs a launcher to its end.
 *
 * @param args What follows `bwrap-exec`.
 * @param input Its standard input; /dev/null if not given.
 * @returns How it ended.
 */
export async function bwrapExec(args: readonly string[], input?: string): Promise<Outcome> {
  const child = startLauncher(args, input === undefined ? { stdin: "null" } : {});
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { code, stdout, stderr } = await child.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/**
 * Writes a job for a launcher that waits.
 *
 * @param changes What differs from a job that starts a shell.
 * @returns The line.
 */
export function job(changes: Record<string, unknown>): string {
  return JSON.stringify({
    uid: UID,
    gid: GID,
    keepGroups: false,
    lifeline: "signal",
    rlimits: [],
    landlock: false,
    keepFds: [],
    program: "/bin/sh",
    args: [],
    ...changes,
  }) + "\n";
}
