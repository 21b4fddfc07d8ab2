import { errorMessage, type Logger } from "#src/core/mod.ts";
import { Hono } from "hono";
import { bearerAuth } from "./bearer_auth.ts";
import { errorResponse, methodNotAllowed } from "./error_response.ts";
import { workersApi, type WorkersParts } from "./workers.ts";

/** What the API tells about. */
export interface ApiParts extends WorkersParts {
  /** What whoever asks has to name. */
  readonly token: string;
  /** What the host's preflight found out, in the form for scripts; undefined when none ran. */
  readonly preflight: object | undefined;
  /** Gets what went wrong. */
  readonly log: Logger;
}

/**
 * Answers a request whose path is below `/api`.
 *
 * @param request The request.
 * @returns The answer; a failure is one, too.
 */
export type Api = (request: Request) => Promise<Response>;

/**
 * Puts the API together.
 *
 * @param parts What it tells about.
 * @returns What answers requests.
 */
export function createApi({ token, preflight, log, ...workers }: ApiParts): Api {
  const v1 = new Hono();
  // Before all else, so that who has no token does not even learn what there is.
  v1.use(bearerAuth(token));
  v1.get(
    "/preflight",
    () =>
      preflight === undefined
        ? errorResponse(404, "preflight_skipped", "the server was started with --skip-preflight")
        : Response.json(preflight),
  );
  v1.all("/preflight", () => methodNotAllowed("GET, HEAD"));
  v1.route("/workers", workersApi(workers));

  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    context.header("Cache-Control", "no-store");
    context.header("X-Content-Type-Options", "nosniff");
  });
  app.route("/api/v1", v1);
  app.notFound(() => errorResponse(404, "not_found", "nothing of the API has this path"));
  app.onError((error, { req }) => {
    log.error("the API failed", { method: req.method, path: req.path, error: errorMessage(error) });
    return errorResponse(500, "internal_error", "the server failed, and its log says why");
  });
  return async (request) => await app.fetch(request);
}
