/** How much a finding matters, from nothing to what makes the host unfit. */
export const SEVERITIES = ["ok", "info", "warning", "error"] as const;

/** One of {@linkcode SEVERITIES}. */
export type Severity = (typeof SEVERITIES)[number];

/** What a fix is: a command line for a shell, a setting of the configuration, or words. */
export type FixKind = "command" | "setting" | "advice";

/** What is to be done about a finding. */
export interface Fix {
  /** How to read `text`. */
  readonly kind: FixKind;
  /** The command line as it can be typed, the setting as it stands in the file, or a sentence. */
  readonly text: string;
}

/** What a check found out. */
export type Finding =
  /** All is as it should be. */
  | {
    readonly severity: "ok";
    /** What was seen, in a sentence without its full stop. */
    readonly message: string;
  }
  /** Something is to be known, to be thought about or to be repaired. */
  | {
    readonly severity: Exclude<Severity, "ok">;
    /** What was seen, in a sentence without its full stop. */
    readonly message: string;
    /** What is to be done about it. */
    readonly fix: Fix;
  };

/**
 * Says that all is well.
 *
 * @param message What was seen.
 * @returns The finding.
 */
export function ok(message: string): Finding {
  return { severity: "ok", message };
}

/**
 * Says what an operator should know, and that nothing need be done.
 *
 * @param message What was seen.
 * @param fix What changes it.
 * @returns The finding.
 */
export function info(message: string, fix: Fix): Finding {
  return { severity: "info", message, fix };
}

/**
 * Says what works less well or less safely than it could, or could not be found out.
 *
 * @param message What was seen.
 * @param fix What is to be done.
 * @returns The finding.
 */
export function warning(message: string, fix: Fix): Finding {
  return { severity: "warning", message, fix };
}

/**
 * Says what makes the host unfit.
 *
 * @param message What was seen.
 * @param fix What is to be done.
 * @returns The finding.
 */
export function error(message: string, fix: Fix): Finding {
  return { severity: "error", message, fix };
}

/**
 * A fix that is a command.
 *
 * @param text The command line as it can be typed into a shell.
 * @returns The fix.
 */
export function command(text: string): Fix {
  return { kind: "command", text };
}

/**
 * A fix that is a setting of the configuration.
 *
 * @param text The key and its value, such as `process.r_path: /opt/R/4.4.2/bin/R`.
 * @returns The fix.
 */
export function setting(text: string): Fix {
  return { kind: "setting", text };
}

/**
 * A fix that takes a decision.
 *
 * @param text What to do, in a sentence without its full stop.
 * @returns The fix.
 */
export function advice(text: string): Fix {
  return { kind: "advice", text };
}
