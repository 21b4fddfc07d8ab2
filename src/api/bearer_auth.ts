import type { MiddlewareHandler } from "hono";
import { createHash, timingSafeEqual } from "node:crypto";
import { errorResponse } from "./error_response.ts";

/** The scheme in any case, and behind it one token (RFC 6750, 2.1; RFC 9110, 11.1). */
const CREDENTIALS = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i;

/**
 * Lets only those pass who name a token.
 *
 * @param token The token.
 * @returns The middleware; it answers others with status 401.
 */
export function bearerAuth(token: string): MiddlewareHandler {
  const wanted = digest(token);
  return async ({ req }, next) => {
    const given = CREDENTIALS.exec(req.header("Authorization") ?? "")?.[1];
    // Digests are of one length, so that the time of a comparison tells nothing about the token.
    if (given !== undefined && timingSafeEqual(digest(given), wanted)) {
      await next();
      return undefined;
    }
    const [error, message] = given === undefined
      ? ["", "want Authorization: Bearer TOKEN"]
      : [', error="invalid_token"', "this token is not the server's"];
    return errorResponse(401, "unauthorized", message, {
      "WWW-Authenticate": `Bearer realm="blockyard"${error}`,
    });
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}
