import type { AppName, Gid, NetworkMode, Port, Uid } from "#src/core/mod.ts";
import type { DenyTarget } from "./deny.ts";
import type { BindAddress } from "./network.ts";

/** How much is logged: this level and those after it. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A whole configuration, checked, every default filled in, frozen to its depth. */
export interface Config {
  /** The server itself. */
  readonly server: ServerConfig;
  /** How workers are run. */
  readonly process: ProcessConfig;
  /** What workers are kept from on the network. */
  readonly firewall: FirewallConfig;
  /** How requests find their worker. */
  readonly proxy: ProxyConfig;
  /** Where servers keep what they share; its URLs may hold passwords, and belong in no log. */
  readonly store: StoreConfig;
  /** What is served, in the order of the file; no two names differ in their case alone. */
  readonly apps: readonly AppConfig[];
  /** Whether the built-in app is served too, which has every setting's default. */
  readonly hasDemo: boolean;
}

/** The server itself. */
export interface ServerConfig {
  /** Where it listens. */
  readonly bind: BindAddress;
  /** Absolute path of the folder for what it keeps. */
  readonly dataDir: string;
  /**
   * Absolute path of the file with the token that the API wants; undefined for one in `dataDir`,
   * which is made when it is not there.
   */
  readonly adminTokenFile: string | undefined;
  /** How much memory a worker may use whose app says nothing of it, in bytes; 0 for no limit. */
  readonly defaultMemoryBytes: number;
  /** How many cores a worker may use whose app says nothing of it; 0 for no limit. */
  readonly defaultCpuCores: number;
  /** How many processes and threads a worker may have, 1 or more. */
  readonly defaultPidsLimit: number;
  /** How long a stop of the server may take before workers are killed, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  /** How much is logged. */
  readonly logLevel: LogLevel;
  /** CIDRs of the proxies whose `X-Forwarded-*` headers are believed. */
  readonly trustedProxies: readonly string[];
}

/** How workers are run. */
export interface ProcessConfig {
  /** bubblewrap: an absolute path, or a name to look for in PATH. */
  readonly bwrapPath: string;
  /** The R of apps that name no version: an absolute path, or a name to look for in PATH. */
  readonly rPath: string;
  /** Absolute path of the folder that holds R versions. */
  readonly rigBase: string;
  /** The first port for workers, 1024 or above. */
  readonly portRangeStart: Port;
  /** The last port for workers. */
  readonly portRangeEnd: Port;
  /** The first uid for workers, 1000 or above. */
  readonly workerUidRangeStart: Uid;
  /** The last uid for workers. */
  readonly workerUidRangeEnd: Uid;
  /** The gid of all workers, never 0. */
  readonly workerGid: Gid;
  /** What decides about workers' system calls; undefined for nothing. */
  readonly seccompProfile: SeccompProfile | undefined;
  /** The network of workers whose app says nothing of it. */
  readonly network: NetworkMode;
  /** How many launchers wait for the next worker, 0 or more. */
  readonly standbyLaunchers: number;
  /** Whether the preflight leaves the addresses of cloud metadata services alone. */
  readonly skipMetadataCheck: boolean;
}

/** What decides about workers' system calls. */
export type SeccompProfile =
  /** The policy that is built in. */
  | { readonly kind: "default" }
  /** A compiled filter, by its absolute path. */
  | { readonly kind: "file"; readonly path: string };

/** What workers are kept from on the network. */
export interface FirewallConfig {
  /** Whether the server sets rules of its own, `managed`, or leaves that to others, `off`. */
  readonly mode: "off" | "managed";
  /** What the rules refuse besides what they always do. */
  readonly deny: readonly DenyTarget[];
}

/** How requests find their worker. */
export interface ProxyConfig {
  /** After how long without a request a session ends, in milliseconds. */
  readonly sessionIdleTtlMs: number;
  /** After how long without a session a worker is stopped, in milliseconds. */
  readonly idleWorkerTimeoutMs: number;
  /** How long a worker may take until it is ready, in milliseconds. */
  readonly workerStartTimeoutMs: number;
  /** The pause between two health checks of a worker, in milliseconds. */
  readonly healthIntervalMs: number;
  /** How many workers there may be in all, 1 or more. */
  readonly maxWorkers: number;
}

/** Where servers keep what they share. */
export type StoreConfig =
  /** Nowhere: this server is the only one on its host. */
  | { readonly kind: "memory" }
  /** In Redis. */
  | { readonly kind: "redis"; readonly redis: RedisConfig }
  /** In PostgreSQL. */
  | { readonly kind: "postgres"; readonly database: DatabaseConfig }
  /** In PostgreSQL, which decides, with a mirror in Redis for what is read often. */
  | {
    readonly kind: "layered";
    readonly redis: RedisConfig;
    readonly database: DatabaseConfig;
  };

/** A Redis server. */
export interface RedisConfig {
  /** Where it is: `redis://`, `rediss://` or `redis+unix://`; may hold a password. */
  readonly url: string;
  /** What the names of all keys begin with; may be empty. */
  readonly keyPrefix: string;
}

/** A PostgreSQL database. */
export interface DatabaseConfig {
  /** Where it is, as a connection URI of libpq; may hold a password. */
  readonly url: string;
}

/** One more folder or file of the host that an app sees. */
export interface MountConfig {
  /** Absolute path on the host. */
  readonly source: string;
  /** A top-level name in the sandbox, such as `/data`. */
  readonly target: string;
  /** Whether writing is refused. */
  readonly readOnly: boolean;
}

/** How an app is run, wherever its files come from. */
export interface AppSettings {
  /** The program and its arguments; without it the app's files decide. */
  readonly cmd?: readonly string[];
  /** The network of its workers. */
  readonly network: NetworkMode;
  /** `4.4` or `4.4.2`; empty for {@linkcode ProcessConfig.rPath}. */
  readonly rVersion: string;
  /** How many sessions share a worker, 1 or more. */
  readonly maxSessionsPerWorker: number;
  /** How many workers the app may have, 1 or more. */
  readonly maxWorkers: number;
  /** How many workers are kept ready without a session, 0 to `maxWorkers`. */
  readonly warmWorkers: number;
  /** How much memory a worker may use, in bytes; 0 for the server's default. */
  readonly memoryBytes: number;
  /** How many cores a worker may use; 0 for the server's default. */
  readonly cpuCores: number;
  /** Environment of the app; may hold secrets, so that it belongs in no log. */
  readonly env: Readonly<Record<string, string>>;
  /** What the app sees of the host besides its own files. */
  readonly mounts: readonly MountConfig[];
}

/** An app of the file. */
export interface AppConfig extends AppSettings {
  /** Its name, and the last part of its URL. */
  readonly name: AppName;
  /** Absolute path of the folder with its files. */
  readonly path: string;
}
