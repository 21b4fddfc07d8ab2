/**
 * The data plane: which worker answers a request, and what happens while there is none.
 *
 * @module
 */
export type { AppDefinition } from "./apps.ts";
export {
  type AppStats,
  createDataPlane,
  type DataPlane,
  type DataPlaneLimits,
  type DataPlaneOptions,
} from "./data_plane.ts";
export { SESSION_COOKIE } from "./cookie.ts";
export type { PooledWorkerInfo } from "./worker_pool.ts";
export * from "./http/mod.ts";
