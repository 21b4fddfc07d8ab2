import { errorMessage, type LogFields } from "#src/core/mod.ts";

/** One record of a log. */
export interface LogEntry {
  /** Wall clock, milliseconds since 1970. */
  readonly timeMs: number;
  /** How severe it is. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** What happened. */
  readonly message: string;
  /** What varies. */
  readonly fields: LogFields;
}

/** Deeper values than this are cut, so that one field cannot drag a whole object graph along. */
const MAX_DEPTH = 6;

/** The keys that every line has; a field of the same name gets `_` behind it. */
const OWN_KEYS = ["time", "level", "msg"];

/**
 * Writes a record as one line of JSON.
 *
 * @param entry The record.
 * @returns The line, without its end: `time` (ISO 8601, UTC), `level`, `msg`, then the fields.
 * Errors are written as their messages.
 */
export function formatJson({ timeMs, level, message, fields }: LogEntry): string {
  const line: Record<string, unknown> = Object.create(null);
  Object.assign(line, { time: new Date(timeMs).toISOString(), level, msg: message });
  for (const [key, value] of Object.entries(fields)) {
    line[OWN_KEYS.includes(key) ? `${key}_` : key] = toJson(value, []);
  }
  return escapeControls(JSON.stringify(line));
}

/**
 * Writes a record as one line for people.
 *
 * @param entry The record.
 * @param options Whether to write ANSI colours.
 * @returns The line, without its end. Control characters of messages and fields are escaped, so that
 * an app cannot forge lines or drive the reader's terminal.
 */
export function formatText(
  { timeMs, level, message, fields }: LogEntry,
  { colors }: { colors: boolean },
): string {
  const paint = (code: number, text: string) => colors ? `\x1b[${code}m${text}\x1b[0m` : text;
  const parts = [
    paint(DIM, new Date(timeMs).toISOString()),
    paint(LEVEL_COLORS[level], level.toUpperCase().padEnd(5)),
    escapeControls(message),
  ];
  for (const [key, value] of Object.entries(fields)) {
    const plain = toJson(value, []);
    if (plain === undefined) continue;
    const isBare = typeof plain === "string" && /^[\w./:@%+-]+$/.test(plain);
    const shown = isBare ? plain : escapeControls(JSON.stringify(plain));
    parts.push(`${paint(DIM, `${escapeControls(key)}=`)}${shown}`);
  }
  return parts.join(" ");
}

const DIM = 2;

/** Select Graphic Rendition codes, ECMA-48: grey, green, yellow, red. */
const LEVEL_COLORS: Readonly<Record<LogEntry["level"], number>> = {
  debug: 90,
  info: 32,
  warn: 33,
  error: 31,
};

/** Makes a value that `JSON.stringify` takes without throwing. */
function toJson(value: unknown, holders: readonly object[]): unknown {
  if (typeof value === "bigint" || typeof value === "symbol") return String(value);
  if (typeof value === "function") return `[function ${value.name}]`;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return errorMessage(value);
  if (holders.includes(value)) return "[circular]";
  if (holders.length >= MAX_DEPTH) return "[too deep]";
  try {
    const inner = [...holders, value];
    if ("toJSON" in value && typeof value.toJSON === "function") {
      return toJson(value.toJSON(), inner);
    }
    if (Array.isArray(value)) return value.map((item) => toJson(item, inner));
    if (value instanceof Set) return [...value].map((item) => toJson(item, inner));
    const pairs = value instanceof Map ? [...value] : Object.entries(value);
    return Object.fromEntries(pairs.map(([key, item]) => [String(key), toJson(item, inner)]));
  } catch (error) {
    return `[unreadable: ${errorMessage(error)}]`;
  }
}

/** C0, DEL and C1 controls, and the two line separators that some readers end a line at. */
function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex -- these are what it is about
  return text.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, (character) => {
    const code = character.charCodeAt(0);
    return `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
