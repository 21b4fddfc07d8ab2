/**
 * The program's log. The only file that knows the logging library.
 *
 * @module
 */
import { type Clock, type LogFields, type Logger, systemClock } from "#src/core/mod.ts";
import {
  configureSync,
  getLogger,
  type LogLevel,
  type LogRecord,
  type Sink,
} from "@logtape/logtape";
import { wantsColours } from "./colours.ts";
import { formatJson, formatText, type LogEntry } from "./log_format.ts";
import { createLineWriter } from "./stderr.ts";

/** How a log is written. */
export interface LoggerOptions {
  /** The least severe level that is written. */
  readonly level: LogEntry["level"];
  /** `auto` is `text` on a terminal and `json` elsewhere. */
  readonly format: "json" | "text" | "auto";
  /** Takes each line, without its end; standard error if not given. */
  readonly write?: (line: string) => void;
  /** Whether people read along; whether standard error is a terminal, if not given. */
  readonly isTerminal?: boolean;
  /** Whether text has colours; as {@linkcode wantsColours} says, if not given. */
  readonly colors?: boolean;
  /** Gives the time of each record. */
  readonly clock?: Pick<Clock, "now">;
}

/**
 * Makes a logger. Every line is written before the call that logs it returns.
 *
 * @param options How it writes.
 * @returns The logger; it never throws, whatever the fields hold and whoever reads.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level, clock = systemClock } = options;
  const isTerminal = options.isTerminal ?? Deno.stderr.isTerminal();
  const isText = options.format === "text" || (options.format === "auto" && isTerminal);
  const colors = options.colors ?? wantsColours(isTerminal);
  const format = (entry: LogEntry) => isText ? formatText(entry, { colors }) : formatJson(entry);
  const write = options.write ??
    createLineWriter((count) =>
      format({
        timeMs: clock.now(),
        level: "warn",
        message: "log lines were lost",
        fields: { count },
      })
    );
  const name = register(level, (record) => {
    write(format({
      timeMs: record.timestamp,
      level: LEVEL_NAMES[record.level],
      message: String(record.rawMessage),
      fields: record.properties,
    }));
  });
  return adapt(name, clock, {});
}

/** The library's name for each of our levels. */
const LIBRARY_LEVELS = {
  debug: "debug",
  info: "info",
  warn: "warning",
  error: "error",
} as const satisfies Record<LogEntry["level"], LogLevel>;

const LEVEL_NAMES: Readonly<Record<LogLevel, LogEntry["level"]>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  error: "error",
  fatal: "error",
};

/** The library has one configuration for the whole program, so that all loggers are kept in it. */
const registered: { name: string; level: LogLevel; sink: Sink }[] = [];

function register(level: LogEntry["level"], sink: Sink): string {
  const name = `log-${registered.length}`;
  registered.push({ name, level: LIBRARY_LEVELS[level], sink });
  configureSync({
    reset: true,
    sinks: Object.fromEntries(registered.map((each) => [each.name, each.sink])),
    loggers: [
      // Without a place of its own the library reports its troubles on the console.
      { category: ["logtape", "meta"], sinks: [], lowestLevel: "fatal" },
      ...registered.map((each) => ({
        category: [CATEGORY, each.name],
        sinks: [each.name],
        lowestLevel: each.level,
      })),
    ],
  });
  return name;
}

const CATEGORY = "blockyard";

function adapt(name: string, clock: Pick<Clock, "now">, context: LogFields): Logger {
  const target = getLogger([CATEGORY, name]);
  const emit = (level: LogLevel, message: string, fields?: LogFields) => {
    if (!target.isEnabledFor(level)) return;
    const record: Omit<LogRecord, "category"> = {
      level,
      message: [message],
      // Unlike the methods named after levels, this leaves braces in a message as they are.
      rawMessage: message,
      timestamp: clock.now(),
      properties: { ...context, ...fields },
    };
    target.emit(record);
  };
  return {
    debug: (message, fields) => emit(LIBRARY_LEVELS.debug, message, fields),
    info: (message, fields) => emit(LIBRARY_LEVELS.info, message, fields),
    warn: (message, fields) => emit(LIBRARY_LEVELS.warn, message, fields),
    error: (message, fields) => emit(LIBRARY_LEVELS.error, message, fields),
    with: (fields) => adapt(name, clock, { ...context, ...fields }),
  };
}
