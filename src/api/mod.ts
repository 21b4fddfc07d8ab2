/**
 * The management API: what operators and their programs ask a running server.
 *
 * @module
 */
export { type Api, type ApiParts, createApi } from "./api.ts";
export type { WorkersParts } from "./workers.ts";
