import { targetText } from "#src/probe/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, info, ok, warning } from "./finding.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import { pingRedis } from "./redis_ping.ts";
import { redisTarget } from "./services.ts";

/** How long Redis may take to answer, in milliseconds. */
const TIMEOUT_MS = 2000;

/** How Redis refuses who has not said who they are; the last one is what it said before version 6. */
const REFUSALS = /^-(?:NOAUTH|ERR operation not permitted)\b/;

/** What Redis answers for other reasons, after it has looked at who asks. */
const AFTER_AUTH = /^(?:\+PONG|-(?:LOADING|BUSY|MASTERDOWN|MISCONF)\b)/;

/** What Redis answers the user "default" who may not PING: somebody who needs no password is let in. */
const LET_IN = /^-NOPERM\b/;

/** What Redis without a password answers whoever is not on its own host. */
const PROTECTED = /^-DENIED\b/;

/** Whether Redis answers whoever connects to it. */
export const redisAuth: Check = {
  name: "redis_auth",
  category: "store",
  async run({ config: { store } }) {
    const target = redisTarget(store);
    if (target === undefined || !("redis" in store)) return ok("no Redis is configured");
    const place = targetText(target);
    if (store.redis.url.startsWith("rediss:")) {
      return info(
        `Redis at ${place} was not asked whether it wants a password, because it speaks TLS`,
        advice(PASSWORD),
      );
    }
    const reply = await pingRedis(target, { timeoutMs: TIMEOUT_MS });
    if (reply.kind === "unreachable") {
      return info(
        `Redis at ${place} could not be asked whether it wants a password: ${reply.problem}`,
        advice("Start Redis and run the preflight again"),
      );
    }
    return judge(reply.line, { place, isSocket: target.kind === "unix" });
  },
};

/** A setting that is made over a connection is gone with the next start of Redis. */
const PASSWORD =
  "Set requirepass in the file that Redis starts with, or turn its user default off " +
  "and make one with a password there, start Redis again, and name user and password in redis.url";

function judge(line: string, { place, isSocket }: { place: string; isSocket: boolean }): Finding {
  if (REFUSALS.test(line)) return ok(`Redis at ${place} refuses who names no password`);
  if (LET_IN.test(line)) {
    return warning(
      `Redis at ${place} lets in who names no password: that user may not PING, and what else it may ` +
        "do was not found out",
      advice(PASSWORD),
    );
  }
  if (PROTECTED.test(line)) {
    return warning(
      `Redis at ${place} wants no password: it answers whoever is on its own host, and nobody else ` +
        "(protected mode)",
      advice(PASSWORD),
    );
  }
  if (!AFTER_AUTH.test(line)) return notUnderstood(line, place);
  // Who may open a socket is a matter of its file's permissions and of what workers are shown.
  return isSocket
    ? warning(`Redis at ${place} answers whoever may open its socket`, advice(PASSWORD))
    : error(`Redis at ${place} answers whoever connects, without a password`, advice(PASSWORD));
}

function notUnderstood(line: string, place: string): Finding {
  const quoted = JSON.stringify(line.slice(0, 80));
  if (line.startsWith("-")) {
    return warning(
      `Redis at ${place} could not be asked whether it wants a password: it says ${quoted}`,
      LOOK_AGAIN,
    );
  }
  return warning(
    `what answers at ${place} is not understood as Redis: ${quoted}`,
    advice("See what listens there, correct redis.url and run the preflight again"),
  );
}
