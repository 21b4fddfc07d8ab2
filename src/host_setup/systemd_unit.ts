/**
 * The unit by which systemd runs a server: of the system for root, of a user's own manager otherwise.
 *
 * @module
 */
import type { Config } from "#src/config/mod.ts";
import { shellWord } from "#src/shell_word.ts";
import { commentCommand, commentLines } from "./comment.ts";
import type { HostPaths } from "./host_paths.ts";
import { commonSandboxing, systemSandboxing } from "./sandboxing.ts";
import { section, type Setting } from "./setting.ts";
import { unitWord } from "./unit_word.ts";

/** What a unit is to run. */
export interface UnitSpec {
  /** Absolute path of the executable. */
  readonly executable: string;
  /** Whether the executable unpacks itself into `/var/cache/blockyard` when root starts it. */
  readonly unpacksItself: boolean;
  /** Absolute path of the configuration's file; undefined to serve the defaults. */
  readonly configPath: string | undefined;
  /** The configuration. */
  readonly config: Config;
  /** What the server reads and writes, with the targets of symbolic links. */
  readonly paths: HostPaths;
  /** Whether root runs it, by the system's manager. */
  readonly isRoot: boolean;
}

const NAME = "blockyard.service";
/** How long after `server.shutdown_timeout` all that is left is killed, in seconds. */
const KILL_MARGIN_S = 15;
/** systemd's own default for the hard limit, which an administrator may have lowered for others. */
const MAX_FDS = 524_288;

/**
 * Writes the unit.
 *
 * @param spec What it is to run.
 * @returns The unit, with how it is installed in a comment at its top.
 * @throws {RangeError} When a path cannot stand in a unit.
 */
export function systemdUnit(spec: UnitSpec): string {
  const { config, paths, isRoot } = spec;
  const stores = "redis" in config.store || "database" in config.store;
  return [
    ...header(spec),
    "",
    ...section("Unit", [
      { lines: ["Description=blockyard, R apps in sandboxes"] },
      ...(isRoot
        ? [{ lines: ["After=network-online.target", "Wants=network-online.target"] }]
        : []),
      ...(stores ? [STORE_ORDER] : []),
    ]),
    ...section("Service", [
      ...startAndStop(spec),
      ...resources(),
      ...(isRoot ? folders(spec) : []),
      ...commonSandboxing(),
      ...(isRoot ? systemSandboxing({ config, paths }) : []),
    ]),
    ...section("Install", [
      { lines: [isRoot ? "WantedBy=multi-user.target" : "WantedBy=default.target"] },
    ]).slice(0, -1),
    "",
  ].join("\n");
}

const STORE_ORDER: Setting = {
  why:
    "Whether the store runs on this host, and as which unit, is not known here. If it does, name it " +
    "in After= of a drop-in; without that the server is started again until the store answers.",
  lines: [],
};

function header({ executable, configPath, config, isRoot }: UnitSpec): string[] {
  const options = configPath === undefined ? "" : ` --config ${shellWord(configPath)}`;
  const print = `${shellWord(executable)} systemd-unit${options}`;
  const systemctl = isRoot ? "systemctl" : "systemctl --user";
  const folder = isRoot ? "/etc/systemd/system" : "~/.config/systemd/user";
  const dataDir = isRoot && stateName(config.server.dataDir) === undefined
    ? [`install -d -m 0700 ${shellWord(config.server.dataDir)}`]
    : [];
  const commands = [
    ...dataDir,
    ...(isRoot ? [] : [`mkdir -p ${folder}`]),
    `${print} > ${folder}/${NAME}`,
    `${systemctl} daemon-reload && ${systemctl} enable --now ${NAME}`,
    ...(isRoot ? [] : ["loginctl enable-linger  # to run without a login, too"]),
  ];
  return [
    ...commentLines(`blockyard as a service${isRoot ? "" : " of one user"}. To install it:`),
    "#",
    ...commands.map(commentCommand),
    "#",
    ...commentLines(
      "It follows from the configuration, so print it again when that changes. Environment " +
        "variables of the shell that prints it have no part in it: name them in Environment= of a " +
        `drop-in ("${systemctl} edit ${NAME}").`,
    ),
  ];
}

function startAndStop({ executable, configPath, config }: UnitSpec): Setting[] {
  // systemd refuses to execute it, however it is quoted.
  if (/["'\\]/.test(executable)) {
    throw new RangeError(
      `cannot write ${JSON.stringify(executable)} into a unit: want an executable without quotes ` +
        "and backslashes in its path",
    );
  }
  const words = [
    executable,
    "serve",
    ...(configPath === undefined ? [] : ["--config", configPath]),
  ];
  // The colon keeps systemd from taking a dollar sign for a variable.
  const colon = words.some((word) => word.includes("$")) ? ":" : "";
  const command = words.map((word) => word.startsWith("/") ? unitWord(word) : word).join(" ");
  const stopSeconds = Math.ceil(config.server.shutdownTimeoutMs / 1000) + KILL_MARGIN_S;
  return [
    { lines: ["Type=exec", `ExecStart=${colon}${command}`] },
    {
      why:
        "Often enough for a store that comes later than this, and too seldom for systemd to give " +
        "up (5 starts in 10 s). 2 is a wrong command line or configuration, which starting again " +
        "does not repair.",
      lines: ["Restart=on-failure", "RestartSec=5s", "RestartPreventExitStatus=2"],
    },
    {
      why: "The server alone is asked to stop, and stops its workers. It may take " +
        `server.shutdown_timeout for that, and ${KILL_MARGIN_S} s more, before what is left is killed.`,
      lines: ["KillMode=mixed", `TimeoutStopSec=${stopSeconds}s`],
    },
  ];
}

function resources(): Setting[] {
  return [
    {
      why:
        "The cgroups below its own are the server's. A worker that runs out of memory there ends " +
        "alone; the limits of each worker are the server's business, too.",
      lines: ["Delegate=yes", "OOMPolicy=continue", "TasksMax=infinity"],
    },
    {
      why: "The server raises the soft limit for itself, and only for itself.",
      lines: [`LimitNOFILE=1024:${MAX_FDS}`],
    },
    { lines: ["UMask=0077"] },
  ];
}

function folders({ config, unpacksItself }: UnitSpec): Setting[] {
  const { dataDir } = config.server;
  const state = stateName(dataDir);
  return [
    state === undefined
      ? {
        why: "server.data_dir is not below /var/lib, and has to be there before the first start.",
        lines: [`ReadWritePaths=${unitWord(dataDir)}`],
      }
      : { lines: [`StateDirectory=${state}`, "StateDirectoryMode=0700"] },
    ...(unpacksItself
      ? [{
        why: "Where the executable unpacks itself.",
        lines: ["CacheDirectory=blockyard", "CacheDirectoryMode=0700"],
      }]
      : []),
  ];
}

/** What StateDirectory= calls a folder; undefined for one that it cannot make. */
function stateName(dataDir: string): string | undefined {
  return /^\/var\/lib\/([A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*)$/.exec(dataDir)?.[1];
}
