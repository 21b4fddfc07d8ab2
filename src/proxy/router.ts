import type { AppName, Logger } from "#src/core/mod.ts";
import type { Admission, Admissions } from "./admission.ts";
import { apiRequest, isApiMethod } from "./api_request.ts";
import {
  sessionCookie,
  sessionCookieValues,
  withoutForgedSession,
  withoutSessionCookie,
} from "./cookie.ts";
import { type Client, forwardedHeaders, type Forwarding } from "./forwarded.ts";
import type { Decide, RequestHead, Verdict } from "./http/mod.ts";
import { busyPage, indexPage, notFoundPage, startFailedPage, unreachablePage } from "./pages.ts";
import { appPath, parseRoute } from "./route.ts";
import { BusyError, StartError } from "./start_error.ts";
import type { WorkerPool } from "./worker_pool.ts";

/** nginx's "client closed request": nobody reads it, but it can be counted. */
const CLIENT_GONE = 499;

/** What the router works with. */
export interface RouterOptions {
  /** The workers of each app. */
  readonly pools: ReadonlyMap<AppName, WorkerPool>;
  /** The way from a request to a worker. */
  readonly admissions: Admissions;
  /** What answers below `/api`; undefined when there is nothing. */
  readonly api: ((request: Request) => Promise<Response>) | undefined;
  /** Who asks. */
  readonly forwarding: Forwarding;
  /** Told of sessions that begin and workers that do not answer. */
  readonly log: Logger;
}

/**
 * Makes the function that decides about every request.
 *
 * `/app/{name}/…` goes to a worker of the app, `/api/…` to the management API, `/` lists the apps,
 * `/healthz` says that the server is alive. Any request for an app that comes without a valid session, be it for a page, a part of
 * one or a WebSocket, begins a session of its own; while a worker starts for it the request is held.
 *
 * @param options The parts to use.
 * @returns The function; it rejects only when something breaks that no answer fits.
 */
export function createRouter(options: RouterOptions): Decide {
  const { pools, forwarding } = options;
  const apps = [...pools.keys()].sort();
  return (head, { signal }) => {
    const route = parseRoute(head.target);
    switch (route.kind) {
      case "index":
        return respond(onlyGet(head) ?? indexPage(apps, head.headers));
      case "healthz":
        return respond(onlyGet(head) ?? alive());
      case "api":
        return toApi(head, options);
      case "app": {
        const pool = pools.get(route.app);
        if (pool === undefined) return respond(notFoundPage(head.headers));
        const client = forwarding.client(head);
        if (route.redirect !== undefined) return respond(moved(client.prefix + route.redirect));
        return toWorker(head, { ...options, pool, client, target: route.target, signal });
      }
      case "unknown":
        return respond(notFoundPage(head.headers));
    }
  };
}

function toApi(head: RequestHead, { api }: RouterOptions): Verdict {
  if (api === undefined) return respond(notFoundPage(head.headers));
  if (!isApiMethod(head.method)) return respond(new Response(null, { status: 501 }));
  return {
    kind: "handle",
    handle: (body, { signal }) => api(apiRequest(head, { body, signal })),
  };
}

interface AppRequest extends RouterOptions {
  readonly pool: WorkerPool;
  readonly client: Client;
  readonly target: string;
  readonly signal: AbortSignal;
}

async function toWorker(head: RequestHead, request: AppRequest): Promise<Verdict> {
  const { admissions, pool, signal, log } = request;
  const app = pool.app.name;
  try {
    const admission = await admissions.admit(pool, {
      sessionIds: sessionCookieValues(head.headers),
      signal,
    });
    if (admission.isNew) {
      const { worker } = admission;
      log.debug("session begins", { app, worker: worker.id, client: request.client.address });
    }
    return forward(head, request, admission);
  } catch (error) {
    if (signal.aborted) return respond(new Response(null, { status: CLIENT_GONE }));
    if (error instanceof StartError) return respond(startFailedPage(error, head.headers));
    if (error instanceof BusyError) return respond(busyPage(app, error, head.headers));
    throw error;
  }
}

function forward(head: RequestHead, request: AppRequest, admission: Admission): Verdict {
  const { admissions, client, pool, log } = request;
  const app = pool.app.name;
  const path = appPath(app);
  const { session, worker, isNew } = admission;
  return {
    kind: "forward",
    upstream: worker.address,
    target: request.target,
    headers: forwardedHeaders(withoutSessionCookie(head.headers), client, { path }),
    mapResponseHeaders(headers) {
      const clean = withoutForgedSession(headers);
      if (!isNew) return clean;
      const cookie = sessionCookie(session.id, {
        path: `${client.prefix}${path}/`,
        isSecure: client.scheme === "https",
      });
      return [...clean, ["Set-Cookie", cookie]];
    },
    onUpstreamError(error) {
      log.warn("worker does not answer", { app, worker: worker.id, error: error.message });
      admissions.giveUp(admission, pool);
      return unreachablePage(app, head.headers);
    },
    onEnd: () => admissions.end(admission),
  };
}

function respond(response: Response): Verdict {
  return { kind: "respond", response };
}

function alive(): Response {
  return new Response("ok\n", {
    headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" },
  });
}

function moved(location: string): Response {
  return new Response(null, { status: 308, headers: { Location: location } });
}

function onlyGet({ method }: RequestHead): Response | undefined {
  if (method === "GET" || method === "HEAD") return undefined;
  return new Response(null, { status: 405, headers: { Allow: "GET, HEAD" } });
}
