/** What a log record can carry besides its message; values must survive `JSON.stringify`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where code says what it does. Messages are constant text; what varies goes into the fields. */
export interface Logger {
  /** For developers: steps and values. */
  debug(message: string, fields?: LogFields): void;
  /** For operators: what changed. */
  info(message: string, fields?: LogFields): void;
  /** Something is not as it should be, and the server goes on. */
  warn(message: string, fields?: LogFields): void;
  /** Something failed that somebody wanted. */
  error(message: string, fields?: LogFields): void;
  /**
   * Makes a logger whose records all carry some fields.
   *
   * @param fields What every record carries.
   * @returns The new logger; this one stays as it is.
   */
  with(fields: LogFields): Logger;
}

/** A logger that keeps nothing, for code that runs without anybody to read. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};
