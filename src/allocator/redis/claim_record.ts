import type { ClaimOwner, ClaimProcess } from "../owner.ts";

/** A claim as Redis keeps it. */
export interface ClaimRecord extends ClaimProcess {
  /** What the claim was made with; no two claims have the same. */
  readonly token: string;
}

/**
 * Writes down who claims and with which token.
 *
 * @param owner The server.
 * @param token The token, of `[A-Za-z0-9.]`.
 * @returns `SERVER|PID|STARTED|TOKEN`.
 */
export function formatClaim(owner: ClaimProcess, token: string): string {
  return `${owner.serverId}|${owner.pid}|${owner.startedAt}|${token}`;
}

/**
 * Reads what {@linkcode formatClaim} wrote.
 *
 * @param text The text.
 * @returns Its parts, or undefined when it is something else.
 */
export function parseClaim(text: string): ClaimRecord | undefined {
  const [, serverId, pid, startedAt, token] = /^([^|]+)\|(\d+)\|([^|]+)\|([^|]+)$/.exec(text) ?? [];
  if (!serverId || !startedAt || !token) return undefined;
  return { serverId, pid: Number(pid), startedAt, token };
}

/**
 * Checks that an owner can be written into keys and claims.
 *
 * @param owner The server.
 * @throws {RangeError} When a part of it has characters that a key or a claim cannot hold.
 */
export function checkOwner(owner: ClaimOwner): void {
  for (const [name, text] of [["host id", owner.hostId], ["server id", owner.serverId]] as const) {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(text)) {
      throw new RangeError(
        `cannot use ${JSON.stringify(text)} as a ${name}: want 1 to 64 letters, digits and dashes`,
      );
    }
  }
  if (!Number.isInteger(owner.pid) || !/^[A-Za-z0-9:-]+$/.test(owner.startedAt)) {
    throw new RangeError(
      `cannot use ${owner.pid} and ${JSON.stringify(owner.startedAt)} as a process: want its id ` +
        "and a start of letters, digits, colons and dashes",
    );
  }
}
