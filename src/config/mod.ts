/**
 * The configuration: a YAML file and the environment become one checked, frozen value.
 *
 * @module
 */
export type { DenyTarget } from "./deny.ts";
export { loadConfig, type LoadOptions } from "./load.ts";
export { type BindAddress, parseBind } from "./network.ts";
export { ConfigError, type ConfigProblem, type Origin, renderProblems } from "./problem.ts";
export { appDefaults, DEMO_NAME } from "./resolve.ts";
export type {
  AppConfig,
  AppSettings,
  Config,
  DatabaseConfig,
  FirewallConfig,
  LogLevel,
  MountConfig,
  ProcessConfig,
  ProxyConfig,
  RedisConfig,
  SeccompProfile,
  ServerConfig,
  StoreConfig,
} from "./types.ts";
