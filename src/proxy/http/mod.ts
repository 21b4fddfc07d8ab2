/**
 * The wire-level HTTP/1.1 engine of the data plane: it reads requests from client connections, asks
 * a router what to do with each, and answers, forwards or tunnels.
 *
 * @module
 */
export * from "./exchange.ts";
export type { Field } from "./fields.ts";
export { DEFAULT_LIMITS, type HttpLimits } from "./limits.ts";
export { type HttpServer, serveHttp, type ServeHttpOptions } from "./server.ts";
