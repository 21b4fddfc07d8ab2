import { createHash } from "node:crypto";

/** Whose packets rules are for. */
export type Senders =
  /** Those of sockets that processes of these user ids made, the last one included. */
  | { readonly kind: "uids"; readonly start: number; readonly end: number }
  /** Those of sockets that processes of a cgroup, or of one below it, made. */
  | {
    readonly kind: "group";
    /** The group's path from the root of the mount, without a slash at its beginning. */
    readonly path: string;
    /** How many groups it is below the root. */
    readonly level: number;
  };

/**
 * Writes what nft(8) matches packets of some senders by: `meta skuid`, or `socket cgroupv2`, which
 * looks a path up below `/sys/fs/cgroup` once, when rules are set.
 *
 * @param senders Whose packets.
 * @returns The expression.
 * @throws {RangeError} When the path of a group cannot be written in quotes.
 */
export function sendersMatch(senders: Senders): string {
  if (senders.kind === "uids") {
    const { start, end } = senders;
    return `meta skuid ${start === end ? start : `${start}-${end}`}`;
  }
  // deno-lint-ignore no-control-regex -- nft has no escapes for what ends a string or a line
  if (!/^[^"\u0000-\u001f\u007f]+$/.test(senders.path)) {
    throw new RangeError(
      `cannot write rules for the cgroup ${JSON.stringify(senders.path)}: ` +
        "want a path without quotes and control characters",
    );
  }
  return `socket cgroupv2 level ${senders.level} "${senders.path}"`;
}

/**
 * Names the table that an administrator sets by hand.
 *
 * @param senders Whose packets its rules are for.
 * @returns The name.
 */
export function handTable(senders: Senders): string {
  if (senders.kind === "uids") return `blockyard_uids_${senders.start}_${senders.end}`;
  const digest = createHash("sha256").update(senders.path).digest("hex").slice(0, 12);
  return `blockyard_group_${digest}`;
}
