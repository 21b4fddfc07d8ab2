/**
 * The firewall of this host: what is refused follows from the configuration, its names and the
 * host's name servers as they are now.
 *
 * @module
 */
import type { Config } from "#src/config/mod.ts";
import { type Clock, errorMessage, type Logger, silentLogger, systemClock } from "#src/core/mod.ts";
import {
  type Endpoint,
  handTable,
  KnownAddresses,
  ManagedFirewall,
  Nft,
  type NftResult,
  ownerComment,
  parseNameServers,
  removeOrphanTables,
  type Ruleset,
  rulesetText,
  type Senders,
  serverTable,
} from "#src/firewall/mod.ts";
import { configuredServices, lookUpName } from "#src/preflight/mod.ts";
import { findProgram } from "./find_program.ts";
import { runProgram } from "./run_program.ts";
import { livenessOfServers, readServerProcess } from "./server_owner.ts";
import { readIfThere } from "#src/read_if_there.ts";

/** How often a server looks whether its rules are there, in milliseconds. */
const CHECK_MS = 60_000;
/** How long nft may take, in milliseconds. */
const NFT_TIMEOUT_MS = 10_000;
/** Where programs for root are looked for when nothing says where. */
const ROOT_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
const RESOLV_CONF = "/etc/resolv.conf";

/** What a server sees of its own rules. */
export interface ServerFirewall extends AsyncDisposable {
  /**
   * Ends looking after the rules and removes them, and those of servers that were killed. For when
   * no worker is left; it does not fail, but logs what cannot be removed.
   */
  remove(): Promise<void>;
}

/** Runs a program to its end, with `input` as its standard input. */
export type RunCommand = (command: readonly string[], input?: string) => Promise<NftResult>;

/** What is needed of the host; the real one is the default. */
export interface HostFirewallOptions {
  /** Whether this process is root. */
  readonly isRoot: boolean;
  /** Told what happens, nobody if not given. */
  readonly log?: Logger;
  /** The time. */
  readonly clock?: Clock;
  /** Runs a program by its absolute path. */
  readonly run?: RunCommand;
}

/**
 * Sets the rules of a server, and has them looked after every minute. Disposing leaves them.
 *
 * @param config What is to run.
 * @param options Who asks for it, and who is told.
 * @returns The rules, in force for all workers.
 * @throws {Error} When they cannot be set, with what is in the way.
 */
export async function openServerFirewall(
  config: Config,
  { isRoot, log = silentLogger, clock = systemClock, run = runBounded }: HostFirewallOptions,
): Promise<ServerFirewall> {
  requireRoot(isRoot);
  const nft = await openNft(run);
  const senders = workersOf(config);
  const table = serverTable(senders, crypto.randomUUID());
  const comment = ownerComment(await readServerProcess());
  const names = knownAddresses(log, clock);
  const firewall = await ManagedFirewall.open({
    nft,
    table,
    rules: async () => rulesetText({ table, senders, comment, ...await refused(config, names) }),
    clock,
    log,
    intervalMs: CHECK_MS,
  });
  log.info("firewall rules are set", { table });
  await sweep(nft, log);
  return {
    async remove() {
      try {
        await firewall.remove();
        log.info("firewall rules are removed", { table });
      } catch (error) {
        log.warn("cannot remove firewall rules", { table, error: errorMessage(error) });
      }
      await sweep(nft, log);
    },
    [Symbol.asyncDispose]: () => firewall[Symbol.asyncDispose](),
  };
}

/**
 * Finds out whether a server could set its rules, without setting them.
 *
 * @param config What is to run.
 * @param options Who would set them.
 * @returns What is in the way, in words; undefined for nothing.
 */
export async function firewallProblem(
  config: Config,
  { isRoot }: Pick<HostFirewallOptions, "isRoot">,
): Promise<string | undefined> {
  try {
    requireRoot(isRoot);
    const nft = await openNft();
    await nft.check(await handRules(config, workersOf(config)));
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/**
 * Writes the rules as an administrator can set them by hand.
 *
 * @param config What is to run.
 * @param senders Whose packets they are for; the configured uids of workers if not given.
 * @returns The text for `nft -f`.
 * @throws {Error} When a name of the configuration cannot be looked up.
 */
export async function handRules(
  config: Config,
  senders: Senders = workersOf(config),
): Promise<string> {
  const names = knownAddresses(silentLogger, systemClock);
  return rulesetText({ table: handTable(senders), senders, ...await refused(config, names) });
}

/**
 * Sets the rules by hand. They stay until they are removed, or the host starts anew.
 *
 * @param config What is to run.
 * @returns The table that they are in.
 * @throws {Error} When they cannot be set.
 */
export async function applyByHand(config: Config): Promise<string> {
  const nft = await openNft();
  await nft.apply(await handRules(config));
  return handTable(workersOf(config));
}

/**
 * Removes rules by hand: those that were set so, and those of servers that were killed.
 *
 * @param config What runs; rules for other uids than its are left alone.
 * @returns The tables that were removed.
 * @throws {Error} When they cannot be removed, or a server that runs uses some; the others are
 * removed then.
 */
export async function removeByHand(config: Config): Promise<string[]> {
  const nft = await openNft();
  const senders = workersOf(config);
  const byHand = handTable(senders);
  const removed: string[] = [];
  if (await nft.list(byHand) !== undefined) {
    await nft.remove(byHand);
    removed.push(byHand);
  }
  const isLive = await livenessOfServers();
  const orphans = await removeOrphanTables(nft, { isLive, senders });
  if (orphans.kept.length > 0) {
    const list = orphans.kept.map(({ table, owner }) =>
      `${table} of ${owner === undefined ? "an unknown server" : `process ${owner.pid}`}`
    );
    throw new Error(
      `cannot remove the firewall rules ${
        list.join(", ")
      }: a server looks after them as long as it ` +
        'runs, want it stopped, or "nft delete table inet NAME" for one that does not run',
    );
  }
  return [...removed, ...orphans.removed];
}

/** The uids of workers. */
function workersOf({ process }: Config): Senders & { kind: "uids" } {
  return { kind: "uids", start: process.workerUidRangeStart, end: process.workerUidRangeEnd };
}

function requireRoot(isRoot: boolean): void {
  if (isRoot) return;
  throw new Error(
    "cannot use firewall.mode managed without root, want off, and an administrator who sets the rules " +
      'that "blockyard firewall show" prints',
  );
}

async function openNft(run: RunCommand = runBounded): Promise<Nft> {
  const path = await findProgram("nft", { path: Deno.env.get("PATH") ?? ROOT_PATH });
  if (path === undefined) {
    throw new Error(
      'cannot find nft: "nft" is no program in PATH, install nftables, or set firewall.mode to off',
    );
  }
  return new Nft((args, input) => run([path, ...args], input));
}

function runBounded(command: readonly string[], input?: string): Promise<NftResult> {
  return runProgram(command, { timeoutMs: NFT_TIMEOUT_MS, input });
}

function knownAddresses(log: Logger, clock: Clock): KnownAddresses {
  return new KnownAddresses({ lookUp: lookUpName, clock, log });
}

/** Servers that were killed have no workers any more; their rules are in nobody's way but clutter. */
async function sweep(nft: Nft, log: Logger): Promise<void> {
  try {
    const { removed } = await removeOrphanTables(nft, { isLive: await livenessOfServers() });
    if (removed.length > 0) {
      log.info("firewall rules of servers that are gone were removed", { tables: removed });
    }
  } catch (error) {
    log.warn("cannot look for firewall rules of servers that are gone", {
      error: errorMessage(error),
    });
  }
}

type Refused = Pick<Ruleset, "denied" | "nameServers" | "services">;

async function refused(config: Config, names: KnownAddresses): Promise<Refused> {
  const service = async (kind: "redis" | "database") => {
    const target = configuredServices(config).find((it) => it.kind === kind)?.target;
    return target?.kind !== "tcp" ? [] : await endpoints(target, kind, names);
  };
  const denied = config.firewall.deny.map((entry) =>
    entry.kind === "range" ? [entry] : endpoints(entry, "firewall.deny", names)
  );
  const [redis, database, ...others] = await Promise.all([
    service("redis"),
    service("database"),
    ...denied,
  ]);
  return {
    denied: others.flat().map(({ range, port }) => ({ range, port })),
    nameServers: parseNameServers(await readIfThere(RESOLV_CONF) ?? ""),
    services: { redis, database },
  };
}

async function endpoints(
  { hostname, port }: { readonly hostname: string; readonly port: number },
  key: string,
  names: KnownAddresses,
): Promise<Endpoint[]> {
  try {
    return (await names.of(hostname)).map((range) => ({ range, port }));
  } catch (cause) {
    throw new Error(`cannot look up ${hostname} of ${key} for the firewall`, { cause });
  }
}
