/**
 * Identifiers that cannot be mixed up with one another or with plain numbers and strings.
 *
 * @module
 */

/** Marks a {@linkcode Branded} type; no value carries it. */
export declare const brand: unique symbol;

/** A type that is `Base` at run time and is told apart from it by the compiler. */
export type Branded<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A user id of this host, 0 to 4294967294. */
export type Uid = Branded<number, "Uid">;
/** A group id of this host, 0 to 4294967294. */
export type Gid = Branded<number, "Gid">;
/** A process id of this host, 1 or above. */
export type Pid = Branded<number, "Pid">;
/** A TCP port, 1 to 65535. */
export type Port = Branded<number, "Port">;
/** The name of one running sandbox: lower-case letters, digits and dashes. */
export type WorkerId = Branded<string, "WorkerId">;
/** The name of an app, usable as one segment of a URL path. */
export type AppName = Branded<string, "AppName">;

/** (uid_t) -1 means "leave unchanged" to setresuid(2), so that it is not an id. */
const MAX_ID = 0xffff_fffe;

/**
 * Checks a user id.
 *
 * @param value The candidate.
 * @returns The same number as a `Uid`.
 * @throws {RangeError} When it is not a whole number from 0 to 4294967294.
 */
export function toUid(value: number): Uid {
  return checkId(value, "user id") as Uid;
}

/**
 * Checks a group id.
 *
 * @param value The candidate.
 * @returns The same number as a `Gid`.
 * @throws {RangeError} When it is not a whole number from 0 to 4294967294.
 */
export function toGid(value: number): Gid {
  return checkId(value, "group id") as Gid;
}

/**
 * Checks a process id.
 *
 * @param value The candidate.
 * @returns The same number as a `Pid`.
 * @throws {RangeError} When it is not a whole number from 1 to 4194304, the kernel's PID_MAX_LIMIT.
 */
export function toPid(value: number): Pid {
  if (!Number.isInteger(value) || value < 1 || value > 4_194_304) {
    throw new RangeError(
      `cannot use ${value} as a process id: want a whole number from 1 to 4194304`,
    );
  }
  return value as Pid;
}

/**
 * Checks a TCP port.
 *
 * @param value The candidate.
 * @returns The same number as a `Port`.
 * @throws {RangeError} When it is not a whole number from 1 to 65535.
 */
export function toPort(value: number): Port {
  if (!Number.isInteger(value) || value < 1 || value > 65535) {
    throw new RangeError(`cannot use ${value} as a port: want a whole number from 1 to 65535`);
  }
  return value as Port;
}

/**
 * Checks the name of a worker.
 *
 * @param text The candidate.
 * @returns The same text as a `WorkerId`.
 * @throws {RangeError} When it is not 1 to 64 lower-case letters, digits and inner dashes.
 */
export function toWorkerId(text: string): WorkerId {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(text)) {
    throw new RangeError(
      `cannot use ${
        JSON.stringify(text)
      } as a worker id: want 1 to 64 of a-z, 0-9 and inner dashes`,
    );
  }
  return text as WorkerId;
}

/**
 * Makes a name for a new worker.
 *
 * @param app The app that the worker will run; its name starts the id so that logs read well.
 * @returns A name with 60 random bits, so that two are never the same in practice.
 */
export function newWorkerId(app: AppName): WorkerId {
  const random = crypto.getRandomValues(new Uint8Array(12));
  const suffix = Array.from(random, (byte) => "0123456789abcdefghijklmnopqrstuv"[byte & 31]).join(
    "",
  );
  const prefix = app.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "")
    .slice(0, 40);
  return toWorkerId(prefix === "" ? suffix : `${prefix}-${suffix}`);
}

/**
 * Checks the name of an app.
 *
 * @param text The candidate.
 * @returns The same text as an `AppName`.
 * @throws {RangeError} When it is not 1 to 63 letters, digits, `_`, `.` or `-` that start with a
 * letter or a digit.
 */
export function toAppName(text: string): AppName {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(text)) {
    throw new RangeError(
      `cannot use ${JSON.stringify(text)} as the name of an app: want 1 to 63 letters, digits, ` +
        `"_", "." or "-", a letter or digit first`,
    );
  }
  return text as AppName;
}

function checkId(value: number, what: string): number {
  if (!Number.isInteger(value) || value < 0 || value > MAX_ID) {
    throw new RangeError(
      `cannot use ${value} as a ${what}: want a whole number from 0 to ${MAX_ID}`,
    );
  }
  return value;
}
