import { type AppName, toAppName } from "#src/core/mod.ts";

/** What a request target names. */
export type Route =
  /** The list of apps. */
  | { readonly kind: "index" }
  /** The server's own sign of life. */
  | { readonly kind: "healthz" }
  /** The management API, which reads the target itself. */
  | { readonly kind: "api" }
  /** Something of an app. */
  | {
    readonly kind: "app";
    readonly app: AppName;
    /** The target that the app sees: a path from `/` on, and the query as it came. */
    readonly target: string;
    /** Where the request belongs, if its own target spells the app differently. */
    readonly redirect?: string;
  }
  /** Nothing that is served here. */
  | { readonly kind: "unknown" };

const UNKNOWN: Route = { kind: "unknown" };
const APP_PREFIX = "/app/";
const API_PREFIX = "/api/";

/**
 * The path of an app.
 *
 * @param app The app.
 * @returns Its path without a slash at its end: `/app/hello`.
 */
export function appPath(app: AppName): string {
  return APP_PREFIX + app;
}

/**
 * Tells what a request target names. Only the segment that names the app is decoded, once, and it
 * has to be a valid name then; what follows belongs to the app and stays as it came, so that no
 * spelling of dots or slashes leads from one app to another.
 *
 * @param target The request target in origin form, undecoded.
 * @returns The route. An app's path without its slash, or with its name percent-encoded, comes with
 * the place to go to instead: the session cookie is bound to one spelling of the path.
 */
export function parseRoute(target: string): Route {
  const queryStart = target.indexOf("?");
  const path = queryStart === -1 ? target : target.slice(0, queryStart);
  const query = queryStart === -1 ? "" : target.slice(queryStart);
  if (path === "/") return { kind: "index" };
  if (path === "/healthz") return { kind: "healthz" };
  if (path.startsWith(API_PREFIX)) return { kind: "api" };
  if (!path.startsWith(APP_PREFIX)) return UNKNOWN;

  const nameEnd = path.indexOf("/", APP_PREFIX.length);
  const segment = path.slice(APP_PREFIX.length, nameEnd === -1 ? undefined : nameEnd);
  const app = decodeAppName(segment);
  if (app === undefined) return UNKNOWN;
  const rest = nameEnd === -1 ? "/" : path.slice(nameEnd);
  const route = { kind: "app", app, target: rest + query } as const;
  return segment === app && nameEnd !== -1
    ? route
    : { ...route, redirect: appPath(app) + rest + query };
}

function decodeAppName(segment: string): AppName | undefined {
  try {
    return toAppName(decodeURIComponent(segment));
  } catch {
    return undefined;
  }
}
