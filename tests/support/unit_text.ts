import { loadConfig } from "#src/config/mod.ts";
import { hostPaths, systemdUnit, type UnitSpec } from "#src/host_setup/mod.ts";

/** What a test says of a unit. */
export interface UnitOptions {
  /** The configuration, as it stands in a file. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What differs from a single file at `/usr/local/bin/blockyard` that root runs. */
  readonly spec?: Partial<UnitSpec>;
}

/**
 * Writes the unit of a server with a configuration, without looking at any host.
 *
 * @param options What it is to serve.
 * @returns The unit's text.
 */
export function unitText({ config = {}, spec = {} }: UnitOptions = {}): string {
  const isRoot = spec.isRoot ?? true;
  const loaded = loadConfig({
    path: "/etc/blockyard.yaml",
    env: { HOME: "/home/alice" },
    readFile: () => JSON.stringify(config),
    isRoot,
  });
  const executable = spec.executable ?? "/usr/local/bin/blockyard";
  const configPath = "configPath" in spec ? spec.configPath : "/etc/blockyard.yaml";
  return systemdUnit({
    unpacksItself: true,
    config: loaded,
    paths: hostPaths(loaded, { executable, configPath }),
    isRoot,
    ...spec,
    executable,
    configPath,
  });
}

/**
 * Reads a unit as systemd does, but for quotes.
 *
 * @param text The unit.
 * @returns The values of every setting, by section and name: `Service.Type`.
 */
export function settingsOf(text: string): Record<string, string[]> {
  const settings: Record<string, string[]> = {};
  let section = "";
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const title = /^\[(\w+)\]$/.exec(line)?.[1];
    if (title !== undefined) {
      section = title;
      continue;
    }
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no setting: ${line}`);
    (settings[`${section}.${name}`] ??= []).push(value);
  }
  return settings;
}
