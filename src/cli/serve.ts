import {
  type AppConfig,
  appDefaults,
  type Config,
  DEMO_NAME,
  loadConfig,
} from "#src/config/mod.ts";
import { errorMessage, type Logger } from "#src/core/mod.ts";
import { openServerFirewall, type ServerFirewall } from "#src/host_firewall.ts";
import { DEMO_APP_R } from "#src/demo_app.ts";
import type { PreflightReport } from "#src/preflight/mod.ts";
import type { AppDefinition } from "#src/proxy/mod.ts";
import { isRoot, type Server, startServer } from "#src/system.ts";
import { resolve } from "node:path/posix";
import { type CommandSpec, parseCommand, type ParsedArgs } from "./args.ts";
import { commandHelp } from "./help.ts";
import { createLogger } from "./log.ts";
import { preflightFirst } from "./preflight_first.ts";
import { print } from "./print.ts";
import { listenForSignals, type Signals, untilSignal } from "./signals.ts";

/** What `serve` understands. */
export const SERVE = {
  name: "serve",
  summary: "run the host: serve the configured apps until it is stopped",
  options: {
    config: { type: "string", value: "FILE", help: "the configuration, in YAML" },
    demo: { type: "boolean", help: "serve a small built-in Shiny app too; no file needed" },
    bind: { type: "string", value: "HOST:PORT", help: "where to listen, in place of server.bind" },
    "skip-preflight": { type: "boolean", help: "start even if this host is not fit" },
  },
} as const satisfies CommandSpec;

/**
 * Serves apps until SIGTERM or SIGINT comes; a second one ends the process at once, and with it
 * every worker.
 *
 * @param args What follows `serve`.
 * @returns The exit code: 0 after a clean stop, 1 when it could not start or stop.
 * @throws {UsageError} When the arguments or the configuration cannot be used.
 */
export async function serve(args: readonly string[]): Promise<number> {
  const { help, options } = parseCommand(SERVE, args);
  if (help) {
    print(commandHelp(SERVE, "blockyard"));
    return 0;
  }
  const config = loadConfig({
    path: options.config,
    env: Deno.env.toObject(),
    readFile: (path) => Deno.readTextFileSync(path),
    isRoot: isRoot(),
    bind: options.bind,
    demo: options.demo,
  });
  const log = createLogger({ level: config.server.logLevel, format: "auto" });
  using signals = listenForSignals();
  const apps = definitions(config);

  let firewall: ServerFirewall | undefined;
  try {
    // In force before anything runs under the uid of a worker, the trials of the preflight included.
    firewall = config.firewall.mode === "managed"
      ? await openServerFirewall(config, { isRoot: isRoot(), log })
      : undefined;
  } catch (error) {
    log.error("cannot start", { error: errorMessage(error) });
    return 1;
  }
  const { code, hasWorkers } = await run(config, { options, apps, firewall, signals, log });
  // Rules that are left keep those from the network that end with this process; the next server that
  // starts or stops removes them.
  if (!hasWorkers) await firewall?.remove();
  return code;
}

/** How a server ended. */
interface Ending {
  /** The exit code. */
  readonly code: number;
  /** Whether workers may be left, which end with this process. */
  readonly hasWorkers: boolean;
}

async function run(
  config: Config,
  { options, apps, firewall, signals, log }: {
    options: ParsedArgs<typeof SERVE>["options"];
    apps: readonly AppDefinition[];
    firewall: ServerFirewall | undefined;
    signals: Signals;
    log: Logger;
  },
): Promise<Ending> {
  const asked = signals.next();
  let server: Server;
  try {
    const preflight = options["skip-preflight"] ? skipPreflight(log) : await checkHost(config, {
      path: options.config,
      isFirewallSet: firewall !== undefined,
      log,
      asked,
      signals,
    });
    if (preflight !== undefined && "hasWorkers" in preflight) return preflight;
    server = await startServer(config, { apps, preflight, log });
  } catch (error) {
    log.error("cannot start", { error: errorMessage(error) });
    // Then what was opened before the failure could not be closed.
    return { code: 1, hasWorkers: error instanceof SuppressedError };
  }
  log.info("serving", { url: server.url, apps: apps.map(({ name }) => name) });
  if (apps.length === 0) {
    log.warn("no app is served", { want: "apps in the file of --config, or --demo" });
  }
  if (options.demo) tellDemo(server, log);

  log.info("stopping", { signal: await asked });
  const outcome = await Promise.race([stop(server, log), signals.next()]);
  if (typeof outcome === "number") return { code: outcome, hasWorkers: outcome !== 0 };
  log.warn("stopped at once: workers were killed", { signal: outcome });
  return { code: 1, hasWorkers: true };
}

function definitions(config: Config): AppDefinition[] {
  const apps = config.apps.map(({ path, ...app }: AppConfig): AppDefinition => ({
    ...app,
    source: { kind: "directory", path },
  }));
  if (!config.hasDemo) return apps;
  const source = { kind: "files", files: { "app.R": DEMO_APP_R } } as const;
  const { network } = config.process;
  return [...apps, { ...appDefaults, network, name: DEMO_NAME, source }];
}

async function stop(server: Server, log: Logger): Promise<number> {
  try {
    await server.shutdown();
    log.info("stopped");
    return 0;
  } catch (error) {
    log.error("cannot stop cleanly", { error: errorMessage(error) });
    return 1;
  }
}

/** Who cannot be told where it is has a server all the same. */
function tellDemo({ url }: Server, log: Logger): void {
  try {
    print(`The demo app is at ${url}/app/${DEMO_NAME}/\n`);
  } catch (error) {
    log.warn("cannot tell where the demo app is", { error: errorMessage(error) });
  }
}

function skipPreflight(log: Logger): undefined {
  log.warn("preflight skipped: nobody knows whether this host is fit");
}

/** A signal that comes meanwhile ends the check, and with it all that it has started. */
async function checkHost(
  config: Config,
  { path, isFirewallSet, log, asked, signals }: {
    path: string | undefined;
    isFirewallSet: boolean;
    log: Logger;
    asked: Promise<Deno.Signal>;
    signals: Signals;
  },
): Promise<PreflightReport | Ending> {
  const configPath = path === undefined ? undefined : resolve(path);
  const checked = await untilSignal(
    (signal) => preflightFirst(config, { configPath, isFirewallSet, log, signal }),
    { asked, signals },
  );
  if ("signal" in checked) {
    const { signal, isClean } = checked;
    if (isClean) log.info("stopped before the host was checked", { signal });
    else log.warn("stopped at once: what the check had started was killed", { signal });
    return { code: isClean ? 0 : 1, hasWorkers: !isClean };
  }
  if (!checked.result.isFit) {
    throw new Error(
      "this host is not fit: repair what the log names (blockyard preflight, with the same --config, " +
        "shows it as a table), or start with --skip-preflight",
    );
  }
  return checked.result.report;
}
