import {
  type AppName,
  type NetworkMode,
  parseBytes,
  parseDuration,
  toAppName,
  toGid,
  toPort,
  toUid,
} from "#src/core/mod.ts";
import { resolve } from "node:path/posix";
import { parseDeny } from "./deny.ts";
import { parseBind } from "./network.ts";
import { chooseStore } from "./session_store.ts";
import { type RawApp, rawAppDefaults, type RawConfig } from "./schema.ts";
import type { AppConfig, AppSettings, Config, SeccompProfile } from "./types.ts";

/** What the built-in app is called; an app of the configuration with that name is served in its place. */
export const DEMO_NAME: AppName = toAppName("demo");

/**
 * Turns a valid file into what the program works with: units parsed, paths absolute.
 *
 * @param raw The file; must have passed every check.
 * @param options `dataDir` is the absolute folder that the server keeps its data in, `folder` the
 * absolute one that the paths of apps are relative to; `hasDemo` is whether the built-in app is served
 * too.
 * @returns The configuration, frozen.
 */
export function resolveConfig(
  raw: RawConfig,
  options: { dataDir: string; folder: string; hasDemo: boolean },
): Config {
  const { server, process, firewall, proxy, apps } = raw;
  return deepFreeze({
    server: {
      bind: parseBind(server.bind),
      dataDir: resolve(options.dataDir),
      adminTokenFile: server.admin_token_file === "" ? undefined : resolve(server.admin_token_file),
      defaultMemoryBytes: sizeOf(server.default_memory_limit),
      defaultCpuCores: server.default_cpu_limit,
      defaultPidsLimit: server.default_pids_limit,
      shutdownTimeoutMs: parseDuration(server.shutdown_timeout),
      logLevel: server.log_level,
      trustedProxies: server.trusted_proxies,
    },
    process: {
      bwrapPath: process.bwrap_path,
      rPath: process.r_path,
      rigBase: resolve(process.rig_base),
      portRangeStart: toPort(process.port_range_start),
      portRangeEnd: toPort(process.port_range_end),
      workerUidRangeStart: toUid(process.worker_uid_range_start),
      workerUidRangeEnd: toUid(process.worker_uid_range_end),
      workerGid: toGid(process.worker_gid),
      seccompProfile: seccompProfile(process.seccomp_profile),
      network: process.network,
      standbyLaunchers: process.standby_launchers,
      skipMetadataCheck: process.skip_metadata_check,
    },
    firewall: { mode: firewall.mode, deny: firewall.deny.map(parseDeny) },
    proxy: {
      sessionIdleTtlMs: parseDuration(proxy.session_idle_ttl),
      idleWorkerTimeoutMs: parseDuration(proxy.idle_worker_timeout),
      workerStartTimeoutMs: parseDuration(proxy.worker_start_timeout),
      healthIntervalMs: parseDuration(proxy.health_interval),
      maxWorkers: proxy.max_workers,
    },
    store: chooseStore(raw),
    apps: Object.entries(apps).map(([name, app]): AppConfig => ({
      name: toAppName(name),
      path: resolve(options.folder, app.path),
      ...settings(app),
      network: networkOf(app, raw),
    })),
    hasDemo: options.hasDemo && !Object.hasOwn(apps, DEMO_NAME),
  });
}

/**
 * How an app is run of which nothing is said, such as one that no file describes. Its network is
 * {@linkcode ProcessConfig.network}, which the file decides.
 */
export const appDefaults: Omit<AppSettings, "network"> = deepFreeze(settings(rawAppDefaults));

/**
 * Tells what network an app has.
 *
 * @param app The app as it is written.
 * @param raw The file that it is in.
 * @returns The network.
 */
export function networkOf(app: RawApp, { process }: Pick<RawConfig, "process">): NetworkMode {
  return app.network ?? process.network;
}

function settings(app: RawApp): Omit<AppSettings, "network"> {
  return {
    ...(app.cmd && { cmd: app.cmd }),
    rVersion: app.r_version,
    maxSessionsPerWorker: app.max_sessions_per_worker,
    maxWorkers: app.max_workers,
    warmWorkers: app.warm_workers,
    memoryBytes: sizeOf(app.memory_limit),
    cpuCores: app.cpu_limit,
    env: { ...app.env },
    mounts: app.mounts.map(({ source, target, read_only: readOnly }) => ({
      source: resolve(source),
      target,
      readOnly,
    })),
  };
}

function seccompProfile(text: string): SeccompProfile | undefined {
  if (text === "none") return undefined;
  return text === "default" ? { kind: "default" } : { kind: "file", path: resolve(text) };
}

function sizeOf(text: string): number {
  return text === "" ? 0 : parseBytes(text);
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) {
    if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  }
  return Object.freeze(value);
}
