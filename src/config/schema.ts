/**
 * The shape of the file: which keys there are, what each may hold, what it is when it is not there.
 * What depends on several keys at once is in `rules.ts`.
 *
 * @module
 */
import { checkMountTarget, MIN_WORKER_BYTES, NETWORK_MODES } from "#src/core/mod.ts";
import * as z from "zod";
import { DENY_FORM, parseDeny } from "./deny.ts";
import { cores, duration, list, oneOf, size, text, wholeNumber } from "./fields.ts";
import { checkCidr, parseBind } from "./network.ts";
import { checkAbsolutePath, checkNoNul, checkPath, checkProgram } from "./path_text.ts";
import {
  checkDatabaseUrl,
  checkKeyPrefix,
  checkRedisUrl,
  DATABASE_URL_FORM,
  REDIS_URL_FORM,
} from "./store_url.ts";
import type { Path, PlainRules } from "./tree.ts";

/** The largest uid and gid; one above is -1, "leave unchanged" to setresuid(2). */
const MAX_ID = 0xffff_fffe;

/** The largest number of processes that Linux can have: PID_MAX_LIMIT, proc_sys_kernel(5). */
const MAX_PIDS = 4_194_304;

/** More than this make a table that takes long to look through, and to compare. */
const MAX_DENIED = 500;

const mapping = "a mapping of keys to values";

const SECCOMP_FORM = "default, none, or the absolute path of a compiled filter";

const port = wholeNumber(1024, 65535);

const count = wholeNumber(1, 10_000);

const mount = z.strictObject({
  source: text("an absolute path", checkAbsolutePath),
  target: text("a top-level name such as /data", checkMountTarget),
  read_only: z.boolean({ error: "true or false" }).default(true),
}, { error: "a mapping with source and target" });

/** One app, as it is written. */
const app = z.strictObject({
  path: text("the path of the folder with the app's files", checkPath),
  cmd: list(
    text("text", checkNoNul),
    'a list with the program and its arguments such as ["Rscript", "app.R"]',
    1,
  ).optional(),
  network: oneOf(NETWORK_MODES).optional(),
  r_version: text("a version such as 4.4", checkVersion).default(""),
  max_sessions_per_worker: count.default(1),
  max_workers: count.default(10),
  warm_workers: wholeNumber(0, 10_000).default(0),
  memory_limit: size(MIN_WORKER_BYTES).default(""),
  cpu_limit: cores().default(0),
  env: z.record(z.string(), text('text such as "abc", or "" for none', checkNoNul), {
    error: "a mapping of names to texts",
  }).default({}),
  mounts: list(mount, "a list of mounts").default([]),
}, { error: 'a mapping with at least "path"' });

const server = z.strictObject({
  bind: text("host:port such as 127.0.0.1:8080", parseBind).default("127.0.0.1:8080"),
  data_dir: text("an absolute path", checkAbsolutePath).optional(),
  admin_token_file: text('an absolute path, or "" for one in data_dir', (path) => {
    if (path !== "") checkAbsolutePath(path);
  }).default(""),
  default_memory_limit: size(MIN_WORKER_BYTES).default(""),
  default_cpu_limit: cores().default(0),
  default_pids_limit: wholeNumber(1, MAX_PIDS).default(256),
  shutdown_timeout: duration(0).default("30s"),
  log_level: oneOf(["debug", "info", "warn", "error"]).default("info"),
  trusted_proxies: list(
    text("a CIDR such as 10.0.0.0/8", checkCidr),
    "a list of CIDRs such as [10.0.0.0/8]",
  ).default([]),
}, { error: mapping });

const process = z.strictObject({
  bwrap_path: text("the name or path of a program", checkProgram).default("bwrap"),
  r_path: text("the name or path of a program", checkProgram).default("R"),
  rig_base: text("an absolute path", checkAbsolutePath).default("/opt/R"),
  port_range_start: port.default(10_000),
  port_range_end: port.default(10_999),
  worker_uid_range_start: wholeNumber(1000, MAX_ID).default(1_900_000_000),
  worker_uid_range_end: wholeNumber(1000, MAX_ID).default(1_900_000_999),
  worker_gid: wholeNumber(1, MAX_ID).default(1_900_000_000),
  seccomp_profile: text(SECCOMP_FORM, checkSeccompProfile).default("default"),
  network: oneOf(NETWORK_MODES).default("host"),
  standby_launchers: wholeNumber(0, 64).default(1),
  skip_metadata_check: z.boolean({ error: "true or false" }).default(false),
}, { error: mapping });

const firewall = z.strictObject({
  mode: oneOf(["off", "managed"]).default("off"),
  deny: list(
    text(DENY_FORM, parseDeny),
    `a list of at most ${MAX_DENIED} addresses, CIDRs and host:port`,
    0,
    MAX_DENIED,
  ).default([]),
}, { error: mapping });

const proxy = z.strictObject({
  session_store: oneOf(["auto", "memory", "redis", "postgres", "layered"]).default("auto"),
  session_idle_ttl: duration(100).default("1h"),
  idle_worker_timeout: duration(100).default("5m"),
  worker_start_timeout: duration(100).default("60s"),
  health_interval: duration(100).default("10s"),
  max_workers: count.default(100),
}, { error: mapping });

const database = z.strictObject({
  driver: oneOf(["postgres"]).optional(),
  url: text(DATABASE_URL_FORM, checkDatabaseUrl).default(""),
}, { error: mapping });

const redis = z.strictObject({
  url: text(REDIS_URL_FORM, checkRedisUrl).default(""),
  key_prefix: text('text such as "blockyard:"', checkKeyPrefix).default("blockyard:"),
}, { error: mapping });

/** What a file may hold, after {@linkcode plainRules} were applied to it. */
export const schema = z.strictObject({
  server: server.prefault({}),
  process: process.prefault({}),
  firewall: firewall.prefault({}),
  proxy: proxy.prefault({}),
  database: database.prefault({}),
  redis: redis.prefault({}),
  apps: z.record(z.string(), app, { error: "a mapping of names to apps" }).prefault({}),
}, { error: "a mapping with server, process, firewall, proxy, database, redis and apps" });

/** A whole and valid file, as it is written: texts for durations, names with underscores. */
export type RawConfig = z.output<typeof schema>;

/** One app of a file. */
export type RawApp = z.output<typeof app>;

/** An app of which only the defaults are known; its path is not one. */
export const rawAppDefaults: Readonly<RawApp> = app.parse({ path: "/" });

/** The sections whose keys the environment can set, with what each key holds. */
export const scalarSections: Readonly<Record<string, Readonly<Record<string, z.ZodType>>>> = {
  server: server.shape,
  process: process.shape,
  firewall: firewall.shape,
  proxy: proxy.shape,
  database: database.shape,
  redis: redis.shape,
};

/**
 * Lists the keys that a mapping can have.
 *
 * @param path Where the mapping is; empty for the whole file.
 * @returns Its keys; none for a mapping whose keys are free.
 */
export function knownKeys([section, name, ...rest]: Path): readonly string[] {
  if (section === undefined) return Object.keys(schema.shape);
  if (section !== "apps") return Object.keys(scalarSections[section] ?? {});
  if (name === undefined) return [];
  return Object.keys(rest.length === 0 ? app.shape : mount.shape);
}

const COLLECTIONS_OF_APP = ["cmd", "env", "mounts"];

/** What YAML alone cannot know about this schema. */
export const plainRules: PlainRules = {
  // A version 4.10 must not become 4.1, PORT: 8080 in an environment is a text, and so is a size
  // without a unit.
  isText: ([section, name, key, ...rest]: Path) =>
    section === "apps"
      ? key === "r_version" || key === "memory_limit"
        ? rest.length === 0
        : (key === "cmd" || key === "env") && rest.length === 1
      : section === "server" && name === "default_memory_limit" && key === undefined,
  isOptionalWhenEmpty: (path: Path) =>
    (path.length === 1 && Object.hasOwn(schema.shape, String(path[0]))) ||
    (path.length === 3 && path[0] === "apps" && COLLECTIONS_OF_APP.includes(String(path[2]))),
};

function checkSeccompProfile(profile: string): void {
  if (profile === "default" || profile === "none") return;
  if (!profile.startsWith("/")) {
    throw new RangeError(`cannot use ${JSON.stringify(profile)}: want ${SECCOMP_FORM}`);
  }
  checkNoNul(profile);
}

function checkVersion(version: string): void {
  if (!/^(?:\d{1,4}(?:\.\d{1,4}){0,2})?$/.test(version)) {
    throw new RangeError(
      `cannot use ${JSON.stringify(version)} as an R version: want one such as 4.4 or 4.4.2`,
    );
  }
}
