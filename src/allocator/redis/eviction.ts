import { errorMessage, type Logger } from "#src/core/mod.ts";
import type { RedisConnection } from "./connection.ts";

/**
 * Makes sure that a server does not drop claims by itself when its memory is full:
 * redis.io/docs/latest/develop/reference/eviction.
 *
 * @param redis The server.
 * @param log Is told when the server does not say.
 * @throws {Error} When it may drop any key.
 */
export async function checkEviction(redis: RedisConnection, log: Logger): Promise<void> {
  let info: string;
  try {
    info = String(await redis.call("cannot look at maxmemory-policy", ["INFO", "memory"]));
  } catch (error) {
    // INFO is a right of its own, and claims work without it.
    log.warn("cannot tell whether the store drops claims when its memory is full", {
      error: errorMessage(error),
    });
    return;
  }
  const policy = field(info, "maxmemory_policy");
  if (policy.startsWith("allkeys-") && field(info, "maxmemory") !== "0") {
    throw new Error(
      `cannot keep claims in ${redis.name}: its maxmemory-policy ${policy} lets it drop them, ` +
        "want noeviction or one that begins with volatile-",
    );
  }
}

function field(info: string, name: string): string {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
}
