import { EXIT_TIMEOUT, type ProgramResult } from "./host.ts";

/** From here on, an exit code stands for the signal that ended a program. */
const SIGNAL_BASE = 128;
/** What the launcher writes before anything else, when it did not become bwrap. */
const LAUNCHER = "bwrap-exec: ";

/** Why a bwrap that failed says nothing about the host. */
export type NoAttempt =
  /** It was never executed under a worker's uid. */
  | { readonly kind: "not executed"; readonly reason: string }
  /** It hung, and was killed. */
  | { readonly kind: "hung"; readonly reason: string }
  /** A signal ended it. */
  | { readonly kind: "killed"; readonly reason: string };

/**
 * Tells whether bwrap came to do what it was told, when it failed.
 *
 * @param result How it ended.
 * @returns What kept it from that; undefined when it ended by itself, and so what it said counts.
 */
export function noAttempt({ code, stderr }: ProgramResult): NoAttempt | undefined {
  if (code === EXIT_TIMEOUT) return { kind: "hung", reason: "it did not end in time" };
  if (code > SIGNAL_BASE) {
    return { kind: "killed", reason: `signal ${code - SIGNAL_BASE} ended it` };
  }
  if (!stderr.startsWith(LAUNCHER)) return undefined;
  return { kind: "not executed", reason: stderr.slice(LAUNCHER.length).trim().slice(0, 300) };
}

/**
 * Puts into words how bwrap ended that failed.
 *
 * @param result How it ended.
 * @returns Such as `it ended with code 1 (bwrap: No permissions)`.
 */
export function endingText(result: ProgramResult): string {
  const { code, stderr } = result;
  return noAttempt(result)?.reason ??
    `it ended with code ${code} (${stderr.trim().slice(-300) || "it said nothing"})`;
}
