/** The message of an error that stands for an answer which did not come; the library has it too. */
export const NO_ANSWER = "Connection timeout";

/** What the first word of an error reply means, as redis.io/docs lists them and Redis 7 sends them. */
const REPLIES: Readonly<Record<string, string>> = {
  WRONGPASS: "refuses this user name or password, want those of a user that it knows",
  NOAUTH: "wants a password, and redis.url has none",
  NOPERM: "does not let this user do that, want one with the rights that the manual names",
  READONLY: "is a replica that takes no changes, want the primary",
  LOADING: "is still loading its data",
  BUSY: "is busy with a script that does not end",
  OOM: "has no memory left for changes, want more of it (maxmemory)",
  MISCONF: "takes no changes because it cannot save them to its disk",
  NOREPLICAS: "takes no changes because it has not enough replicas",
  MASTERDOWN: "is a replica that has lost its primary, want the primary",
  CLUSTERDOWN: "is a node of a cluster that is not complete",
  MOVED: "is not the node of its cluster that has the slots of this host, want that one",
  ASK: "is handing the slots of this host over to another node of its cluster",
  WRONGTYPE: "has something else under a key of ours, want another redis.key_prefix",
  NOPROTO: "is too old, want Redis 6 or later",
};

/** What the code of a failed system call means, connect(2) and getaddrinfo(3). */
const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections",
  ECONNRESET: "broke the connection",
  EPIPE: "broke the connection",
  ENOENT: "is not there, want the path of its socket",
  ENOTSOCK: "is no socket",
  EACCES: "may not be connected to by this user",
  EPERM: "may not be connected to by this user",
  ENOTFOUND: "has an unknown host name",
  EAI_AGAIN: "has a host name that cannot be looked up at the moment",
  EHOSTUNREACH: "cannot be reached from this host",
  ENETUNREACH: "cannot be reached from this host",
  ETIMEDOUT: "does not answer",
};

/**
 * Says what a failure of Redis means, as the end of a sentence that begins with the server.
 *
 * @param error What the client threw or reported.
 * @returns Such as `refuses connections`.
 */
export function describeRedisFailure(error: unknown): string {
  const { code, message, name } = partsOf(error);
  const known = SYSTEM_CODES[code] ?? REPLIES[/^[A-Z]+/.exec(message)?.[0] ?? ""];
  if (known !== undefined) return known;
  if (/^ERR .*(?:AUTH|invalid password)/.test(message)) return String(REPLIES["WRONGPASS"]);
  if (/^ERR The user executing the script can't/.test(message)) return String(REPLIES["NOPERM"]);
  if (/^ERR unknown command .?HELLO/i.test(message)) return String(REPLIES["NOPROTO"]);
  if (/^ERR .*DB index/.test(message)) return "has no database of that number";
  if (/^Unknown RESP type/.test(message)) return "does not speak the protocol of Redis";
  if (message === NO_ANSWER) return "does not answer";
  if (/closed unexpectedly|Disconnects client|client is (?:closed|offline)/.test(message)) {
    return "broke the connection";
  }
  return /^[A-Z]+ /.test(message)
    ? `answers ${JSON.stringify(message)}`
    : `fails with ${JSON.stringify(message === "" ? name : message)}`;
}

/**
 * Tells a server that has lost its scripts, as after a restart.
 *
 * @param error What the client threw.
 * @returns Whether the script has to be sent once more.
 */
export function isUnknownScript(error: unknown): boolean {
  return partsOf(error).message.startsWith("NOSCRIPT");
}

function partsOf(error: unknown): { code: string; message: string; name: string } {
  if (!(error instanceof Error)) return { code: "", message: String(error), name: "" };
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return { code, message: error.message, name: error.name };
}
