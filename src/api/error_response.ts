/**
 * Makes the answer to a request that failed.
 *
 * @param status 400 to 599.
 * @param code What went wrong in a word, for programs: `worker_not_found`.
 * @param message The same for people.
 * @param headers What else the answer says.
 * @returns The answer, `{"error": {"code", "message"}}`.
 */
export function errorResponse(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ error: { code, message } }, { status, headers: { ...headers } });
}

/**
 * Makes the answer to a request whose path is known and whose method is not.
 *
 * @param allowed The methods that are, such as `GET, HEAD`.
 * @returns The answer, with status 405.
 */
export function methodNotAllowed(allowed: string): Response {
  return errorResponse(405, "method_not_allowed", `want one of ${allowed}`, { Allow: allowed });
}
