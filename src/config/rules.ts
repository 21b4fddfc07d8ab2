/**
 * What has to hold between keys, and for keys whose names are free.
 *
 * @module
 */
import { misplacedPlaceholder, toAppName } from "#src/core/mod.ts";
import { parseBind } from "./network.ts";
import { networkOf } from "./resolve.ts";
import type { RawApp, RawConfig } from "./schema.ts";
import { checkStore } from "./session_store.ts";
import type { Path } from "./tree.ts";
import type { Finding } from "./validate.ts";

/** More uids than this serve no host, and the bookkeeping of each costs memory. */
const MAX_UIDS = 100_000;

/**
 * Ids with a meaning of their own: nobody and nogroup, and the 16-bit form of -1, which old
 * interfaces take for "leave unchanged" (credentials(7), user_namespaces(7)).
 */
const SPECIAL_IDS = [65534, 65535];

/**
 * Checks a configuration whose keys are each valid by themselves.
 *
 * @param raw The configuration.
 * @returns What is wrong.
 */
export function checkRules(raw: RawConfig): Finding[] {
  return [
    ...checkRange(raw, "port"),
    ...checkRange(raw, "worker_uid"),
    ...checkIds(raw),
    ...checkBind(raw),
    ...checkStore(raw),
    ...checkAppNames(raw),
    ...Object.entries(raw.apps).flatMap(([name, app]) => checkApp(name, app)),
    ...Object.entries(raw.apps).flatMap(([name, app]) => checkPlaceholders(name, app, raw)),
    ...checkWarmWorkers(raw),
  ];
}

function checkRange(raw: RawConfig, what: "port" | "worker_uid"): Finding[] {
  const { process, proxy } = raw;
  const start = process[`${what}_range_start`];
  const end = process[`${what}_range_end`];
  const size = end - start + 1;
  const paths: Finding["paths"] = [
    ["process", `${what}_range_end`],
    ["process", `${what}_range_start`],
  ];
  const unit = what === "port" ? "ports" : "uids";
  if (size < 1) {
    const message = `the range ${start} to ${end} is empty, want its start at or below its end`;
    return [{ paths, message }];
  }
  const range = `the range ${start} to ${end} has ${size} ${unit}`;
  if (size < proxy.max_workers && (what === "worker_uid" || usesPorts(raw))) {
    const want = `want at least proxy.max_workers, ${proxy.max_workers}`;
    return [{ paths: [...paths, ["proxy", "max_workers"]], message: `${range}, ${want}` }];
  }
  if (what === "worker_uid" && size > MAX_UIDS) {
    return [{ paths, message: `${range}, want ${MAX_UIDS} at most` }];
  }
  return [];
}

/** Apps that the file does not describe have the server's network. */
function usesPorts({ process, apps }: RawConfig): boolean {
  return process.network === "host" ||
    Object.values(apps).some(({ network }) => network === "host");
}

function checkIds({ process }: RawConfig): Finding[] {
  const { worker_uid_range_start: start, worker_uid_range_end: end, worker_gid: gid } = process;
  const findings: Finding[] = [];
  const inRange = SPECIAL_IDS.filter((id) => start <= id && id <= end);
  if (inRange.length > 0) {
    findings.push({
      paths: [["process", "worker_uid_range_start"], ["process", "worker_uid_range_end"]],
      message: `the range ${start} to ${end} holds the special ids ${inRange.join(" and ")}, ` +
        "want a range without them",
    });
  }
  if (SPECIAL_IDS.includes(gid)) {
    const message = `${gid} is a special id, want the gid of a group that nobody else uses`;
    findings.push({ paths: [["process", "worker_gid"]], message });
  }
  return findings;
}

function checkBind({ server, process }: RawConfig): Finding[] {
  const { port } = parseBind(server.bind);
  const { port_range_start: start, port_range_end: end } = process;
  if (port < start || port > end) return [];
  return [{
    paths: [["server", "bind"], ["process", "port_range_start"], ["process", "port_range_end"]],
    message: `the server's port ${port} lies in the ports for workers, ${start} to ${end}, ` +
      "want it outside of them",
  }];
}

function checkAppNames({ apps }: RawConfig): Finding[] {
  const findings: Finding[] = [];
  const byLowerCase = new Map<string, string>();
  for (const name of Object.keys(apps)) {
    const path: Path = ["apps", name];
    findings.push(...checkKey(path, () => toAppName(name)));
    const earlier = byLowerCase.get(name.toLowerCase());
    if (earlier !== undefined) {
      const message = `differs from the app ${JSON.stringify(earlier)} in its case alone, ` +
        "want a name that people can tell apart";
      findings.push({ paths: [path], isKey: true, message });
    }
    byLowerCase.set(name.toLowerCase(), name);
  }
  return findings;
}

function checkApp(name: string, app: RawApp): Finding[] {
  const path: Path = ["apps", name];
  const findings: Finding[] = [];
  for (const variable of Object.keys(app.env)) {
    findings.push(...checkKey([...path, "env", variable], () => checkVariable(variable)));
  }
  if (app.cmd?.[0] === "") {
    const message = 'cannot run "": want the name or path of a program';
    findings.push({ paths: [[...path, "cmd", 0]], message });
  }
  const targets = new Map<string, number>();
  for (const [index, { target }] of app.mounts.entries()) {
    const earlier = targets.get(target);
    if (earlier !== undefined) {
      const message = `mounts[${earlier}] is already at ${target}, want each target once`;
      findings.push({ paths: [[...path, "mounts", index, "target"]], message });
    }
    targets.set(target, index);
  }
  if (app.warm_workers > app.max_workers) {
    findings.push({
      paths: [[...path, "warm_workers"], [...path, "max_workers"]],
      message: `warm_workers ${app.warm_workers} is above max_workers ${app.max_workers}, ` +
        "want it at or below",
    });
  }
  return findings;
}

/** The network of an app that names none is the server's, and then that key is to be seen, too. */
function checkPlaceholders(name: string, app: RawApp, raw: RawConfig): Finding[] {
  const network = networkOf(app, raw);
  return (app.cmd ?? []).flatMap((arg, index) => {
    const message = misplacedPlaceholder(arg, network);
    return message === undefined ? [] : [{
      paths: [["apps", name, "cmd", index], ["apps", name, "network"], ["process", "network"]],
      message,
    }];
  });
}

function checkWarmWorkers({ apps, proxy }: RawConfig): Finding[] {
  const warm = Object.entries(apps).filter(([, app]) => app.warm_workers > 0);
  const sum = warm.reduce((total, [, app]) => total + app.warm_workers, 0);
  if (sum <= proxy.max_workers) return [];
  const [first = "", ...others] = warm.map(([name]) => name).toReversed();
  return [{
    paths: [
      ["apps", first, "warm_workers"],
      ...others.map((name): Path => ["apps", name, "warm_workers"]),
    ],
    message: `the warm workers of all apps are ${sum}, want at most proxy.max_workers, ` +
      `${proxy.max_workers}`,
  }];
}

function checkVariable(name: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new RangeError(
      `cannot use ${JSON.stringify(name)} as the name of a variable: want letters, digits and ` +
        '"_", no digit first',
    );
  }
}

function checkKey(path: Path, check: () => unknown): Finding[] {
  try {
    check();
    return [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [{ paths: [path], isKey: true, message: error.message }];
  }
}
