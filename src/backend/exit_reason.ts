import type { ExitReason } from "./backend.ts";

/** How a sandbox's monitor ended, as its parent was told. */
export interface MonitorEnding {
  /** Its exit code; 128 + N when signal N ended the monitor or, as bwrap reports it, the app. */
  readonly code: number;
  /** The signal that ended the monitor itself, if one did. */
  readonly signal: string | null;
}

/** Signals by number that end programs, from signal(7); the numbers of x86-64 and aarch64. */
const SIGNAL_NAMES: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  10: "SIGUSR1",
  11: "SIGSEGV",
  12: "SIGUSR2",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  16: "SIGSTKFLT",
  24: "SIGXCPU",
  25: "SIGXFSZ",
  26: "SIGVTALRM",
  27: "SIGPROF",
  29: "SIGIO",
  30: "SIGPWR",
  31: "SIGSYS",
};

/**
 * Tells why an app ended from how its monitor did. bwrap hands a signal on as exit code 128 + N, as
 * shells do, so that an app that exits with such a code by itself cannot be told from a killed one.
 *
 * @param ending How the monitor ended.
 * @returns The reason; `lost` when the monitor itself was killed, which hides the app's fate.
 */
export function exitReason({ code, signal }: MonitorEnding): ExitReason {
  if (signal !== null) return { kind: "lost" };
  const name = SIGNAL_NAMES[code - 128];
  return name === undefined ? { kind: "code", code } : { kind: "signal", signal: name };
}

function memoryText({ limitBytes, peakBytes }: ExitReason & { kind: "oom" }): string {
  const most = peakBytes === undefined ? "" : `, having used ${mebibytes(peakBytes)} at most`;
  return limitBytes === undefined
    ? `memory ran out${most}`
    : `it reached its memory limit of ${mebibytes(limitBytes)}${most}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}

/**
 * Says in words why a worker ended.
 *
 * @param reason The reason.
 * @returns A clause to follow "the app": `ended with exit code 1`, `was ended by SIGSEGV`.
 */
export function describeExit(reason: ExitReason): string {
  switch (reason.kind) {
    case "code":
      return `ended with exit code ${reason.code}`;
    case "signal":
      return `was ended by ${reason.signal}`;
    case "oom":
      return `was ended by the kernel because ${memoryText(reason)}`;
    case "stopped":
      return "was stopped";
    case "start_timeout":
      return "did not answer in time";
    case "lost":
      return "was lost: its monitor vanished";
  }
}
