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
