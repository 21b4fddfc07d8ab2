import type { LogFields, Logger } from "#src/core/mod.ts";

/** One record of a {@linkcode RecordingLogger}. */
export interface LogRecord {
  /** How severe it is. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** Its constant text. */
  readonly message: string;
  /** What varies. */
  readonly fields: LogFields;
}

/** Keeps every record, for tests to look at. */
export class RecordingLogger implements Logger {
  /** What was logged, in order. */
  readonly records: LogRecord[];
  readonly #context: LogFields;

  /** Makes a logger; the parameters are for {@linkcode RecordingLogger.with}. */
  constructor(records: LogRecord[] = [], context: LogFields = {}) {
    this.records = records;
    this.#context = context;
  }

  /** Keeps a record. */
  debug(message: string, fields: LogFields = {}): void {
    this.#add("debug", message, fields);
  }

  /** Keeps a record. */
  info(message: string, fields: LogFields = {}): void {
    this.#add("info", message, fields);
  }

  /** Keeps a record. */
  warn(message: string, fields: LogFields = {}): void {
    this.#add("warn", message, fields);
  }

  /** Keeps a record. */
  error(message: string, fields: LogFields = {}): void {
    this.#add("error", message, fields);
  }

  /** Makes a logger that keeps its records in the same place. */
  with(fields: LogFields): Logger {
    return new RecordingLogger(this.records, { ...this.#context, ...fields });
  }

  /** Selects the records of one level. */
  at(level: LogRecord["level"]): LogRecord[] {
    return this.records.filter((record) => record.level === level);
  }

  #add(level: LogRecord["level"], message: string, fields: LogFields): void {
    this.records.push({ level, message, fields: { ...this.#context, ...fields } });
  }
}
