import { EXIT_TIMEOUT, type ProgramResult } from "./host.ts";
import { excerpt } from "./wording.ts";

/** What came of loading shiny. */
export type ShinyTrial =
  /** It was loaded. */
  | { readonly kind: "loads"; readonly version: string }
  /** No library of this R has it. */
  | { readonly kind: "missing" }
  /** A library has it that no sandbox shows. */
  | { readonly kind: "hidden"; readonly library: string }
  /** A library has it, and it cannot be loaded. */
  | { readonly kind: "fails"; readonly reason: string }
  /** Nobody knows. */
  | { readonly kind: "untried"; readonly reason: string };

/** How long R may take to start and load shiny, in milliseconds. */
const TIMEOUT_MS = 12_000;
/** How long all of them together may take, so that what is known is told in time. */
const TOTAL_MS = 18_000;
/** In less than this no R can be expected to answer. */
const MIN_TIMEOUT_MS = 1000;
/** What a site's profile prints must not be taken for an answer. */
const MARK = "blockyard-shiny:";

/**
 * Loads shiny, and says how far it got: a library that crashes R says nothing more. There is no
 * backslash in it, which R's start script hands to an echo that may read it.
 */
const CODE = [
  "end <- intToUtf8(10L)",
  `say <- function(...) cat(end, "${MARK}", ..., end, sep = "")`,
  'if (!any(file.exists(file.path(.libPaths(), "shiny")))) say("missing") else tryCatch({',
  '  say("found")',
  '  loadNamespace("shiny")',
  '  say("loads ", as.character(getNamespaceVersion("shiny")))',
  '}, error = function(e) say("fails ", sub(paste0("^.*", end), "", trimws(conditionMessage(e)))))',
].join("\n");

/**
 * Tells how an R is asked to load shiny.
 *
 * @param rPath Absolute path of the R.
 * @returns The command.
 */
export function shinyCommand(rPath: string): string[] {
  return [rPath, "--no-echo", "--no-save", "--no-restore", "-e", CODE];
}

/**
 * Tells how long the next R may take.
 *
 * @param elapsedMs How long those before it took, in milliseconds.
 * @returns The time in milliseconds; undefined when none is left.
 */
export function shinyTimeoutMs(elapsedMs: number): number | undefined {
  const leftMs = Math.min(TIMEOUT_MS, TOTAL_MS - elapsedMs);
  return leftMs < MIN_TIMEOUT_MS ? undefined : leftMs;
}

/**
 * Reads what an R that was asked to load shiny said.
 *
 * @param result How it ended.
 * @param options `timeoutMs` is how long it was given, in milliseconds.
 * @returns What came of it.
 */
export function readShinyTrial(
  { code, stdout, stderr }: ProgramResult,
  { timeoutMs }: { timeoutMs: number },
): ShinyTrial {
  const words = stdout.split("\n").filter((line) => line.startsWith(MARK))
    .map((line) => line.slice(MARK.length).trim());
  const [, version] = words.map((word) => /^loads (\S+)$/.exec(word)).find(Boolean) ?? [];
  if (version !== undefined) return { kind: "loads", version };
  if (words.includes("missing")) return { kind: "missing" };
  const [, reason] = words.map((word) => /^fails (.*)$/.exec(word)).find(Boolean) ?? [];
  if (reason !== undefined) return { kind: "fails", reason: excerpt(reason) };
  if (code === EXIT_TIMEOUT) {
    return { kind: "untried", reason: `R was not done after ${Math.round(timeoutMs / 1000)} s` };
  }
  const said = `${stdout}\n${stderr}`.split("\n").map((line) => line.trim())
    .findLast((line) => line !== "" && !line.startsWith(MARK));
  const ending = `R ended with exit code ${code}${said === undefined ? "" : `: ${excerpt(said)}`}`;
  return { kind: words.includes("found") ? "fails" : "untried", reason: ending };
}
