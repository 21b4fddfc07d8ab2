import { loadConfig } from "#src/config/mod.ts";
import { BUILD_INFO, UsageError } from "#src/core/mod.ts";
import { type HostPaths, hostPaths, systemdUnit } from "#src/host_setup/mod.ts";
import { isRoot } from "#src/system.ts";
import { resolve } from "node:path/posix";
import { type CommandSpec, parseCommand } from "./args.ts";
import { EXECUTABLE_OPTION, namedExecutable, withoutLinks } from "./executable_option.ts";
import { commandHelp } from "./help.ts";
import { print } from "./print.ts";

/** What `systemd-unit` understands. */
export const SYSTEMD_UNIT = {
  name: "systemd-unit",
  summary: "print a unit for systemd that serves a configuration, hardened for it",
  options: {
    config: { type: "string", value: "FILE", help: "the configuration, in YAML" },
    executable: EXECUTABLE_OPTION,
  },
} as const satisfies CommandSpec;

/**
 * Prints the unit: for the system's manager as root, for the user's own otherwise.
 *
 * @param args What follows `systemd-unit`.
 * @returns The exit code, 0.
 * @throws {UsageError} When the arguments or the configuration cannot be used.
 */
export async function printSystemdUnit(args: readonly string[]): Promise<number> {
  const { help, options } = parseCommand(SYSTEMD_UNIT, args);
  if (help) {
    print(commandHelp(SYSTEMD_UNIT, "blockyard"));
    return 0;
  }
  const executable = namedExecutable(options.executable);
  const configPath = options.config === undefined ? undefined : resolve(options.config);
  const config = loadConfig({
    path: options.config,
    env: homeFolders(),
    readFile: (path) => Deno.readTextFileSync(path),
    isRoot: isRoot(),
  });
  const paths = await withTargets(hostPaths(config, { executable, configPath }));
  try {
    print(systemdUnit({
      executable,
      unpacksItself: BUILD_INFO.kind !== "compiled",
      configPath,
      config,
      paths,
      isRoot: isRoot(),
    }));
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
  return 0;
}

/** The service gets no other variable of this shell, so that nothing else may decide here. */
function homeFolders(): Record<string, string> {
  return Object.fromEntries(
    ["HOME", "XDG_STATE_HOME"].map((name) => [name, Deno.env.get(name) ?? ""])
      .filter(([, value]) => value !== ""),
  );
}

/** What a link leads to is used as well, and may lie where the service would not see it. */
async function withTargets({ read, written }: HostPaths): Promise<HostPaths> {
  const targets = await Promise.all([...read, ...written].map(withoutLinks));
  return { read: [...new Set([...read, ...targets])], written };
}
