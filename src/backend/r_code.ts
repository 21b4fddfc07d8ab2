import type { Address } from "#src/core/mod.ts";

/** The package that runs an app. */
export type Runner = "shiny" | "plumber";

/** Nobody but the worker's own user may connect: the umask 0077, which R writes in decimal. */
const SOCKET_UMASK = "63L";

/**
 * Writes the R code that runs the app at `/app`.
 *
 * @param runner The package that runs it.
 * @param on Where it is to listen. Both packages are told of a port; of a unix socket only shiny can
 * be told.
 * @returns The code, in one line.
 */
export function rCode(runner: Runner, on: Address): string {
  if (on.kind === "unix") {
    return runner === "shiny" ? shinyOnSocket(on.path) : plumberOnSocket(on.path);
  }
  const { hostname, port } = on;
  const where = `host='${hostname}',port=${port}L`;
  return runner === "shiny"
    ? `shiny::runApp('/app',${where},launch.browser=FALSE)`
    : `plumber::plumb(dir='/app')$run(${where})`;
}

function shinyOnSocket(path: string): string {
  return inOrder(
    `p<-'${path}'`,
    "unlink(p)",
    `attr(p,'mask')<-${SOCKET_UMASK}`,
    "shiny::runApp('/app',port=p,launch.browser=FALSE)",
  );
}

/**
 * Plumber asks httpuv for a TCP server, as the last step of its start. That one call gives it a
 * server at the socket in place of it, and the next one is again what it was.
 */
function plumberOnSocket(path: string): string {
  return inOrder(
    `p<-'${path}'`,
    "unlink(p)",
    "api<-plumber::plumb(dir='/app')",
    "ns<-asNamespace('httpuv')",
    "tcp<-ns$startServer",
    "put<-function(f){" +
      "unlockBinding('startServer',ns);assign('startServer',f,ns);lockBinding('startServer',ns)}",
    "put(function(host,port,app,...){" +
      `put(tcp);httpuv::startPipeServer(p,${SOCKET_UMASK},app,...)})`,
    "message('Listening on domain socket ',p)",
    // What it would say names the port, which there is not.
    "quiet<-if('quiet'%in%names(formals(api$run)))list(quiet=TRUE)",
    "do.call(api$run,c(list(host='127.0.0.1',port=80L),quiet))",
  );
}

/** The app finds none of the names in its global environment. */
function inOrder(...steps: readonly string[]): string {
  return `local({${steps.join(";")}})`;
}
