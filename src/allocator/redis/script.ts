import { createHash } from "node:crypto";

/** A program in Lua that Redis runs as one indivisible step. */
export interface RedisScript {
  /** Its text. */
  readonly source: string;
  /** The SHA-1 of its text in hexadecimal, by which Redis knows a script that it has seen. */
  readonly sha: string;
}

/** The keys and arguments of one run of a script. */
export interface ScriptInput {
  /** Every key that it touches: a cluster sends the script where they are. */
  readonly keys: readonly string[];
  /** What else it gets. */
  readonly args: readonly string[];
}

/**
 * Makes a script.
 *
 * @param source Its text in Lua 5.1, as in redis.io/docs/latest/develop/programmability/lua-api.
 * @returns The script.
 */
export function redisScript(source: string): RedisScript {
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}
