import type { Config } from "#src/config/mod.ts";
import { neededCapabilities } from "./capabilities.ts";
import { type HostPaths, isWithin } from "./host_paths.ts";
import type { Setting } from "./setting.ts";
import { unitWord } from "./unit_word.ts";

/** What decides how far a server can be shut off from its host. */
export interface SandboxingSpec {
  /** What it serves. */
  readonly config: Config;
  /** What it reads and writes, with the targets of symbolic links. */
  readonly paths: HostPaths;
}

const SHARED_MEMORY =
  " Without CAP_SYS_PTRACE, memory that processes of a worker share counts once for each.";
const HOMES = ["/home", "/root", "/run/user"];
const TEMPORARY = ["/tmp", "/var/tmp"];

/**
 * Settings that take from a process what a user may take from its own (systemd.exec(5)).
 *
 * @returns The settings.
 */
export function commonSandboxing(): Setting[] {
  return [
    { lines: ["NoNewPrivileges=yes"] },
    {
      why: "All kinds that sandboxes are made of, and no others.",
      lines: ["RestrictNamespaces=cgroup ipc mnt net pid user uts"],
    },
    {
      why: "AF_NETLINK is how programs, and bwrap, look at the host's network addresses.",
      lines: ["RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK"],
    },
    {
      why: "What no app has to do with. What else workers may call is for process.seccomp_profile.",
      lines: [
        "SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap",
        "SystemCallErrorNumber=EPERM",
        "SystemCallArchitectures=native",
      ],
    },
    { lines: ["LockPersonality=yes", "RestrictRealtime=yes"] },
  ];
}

/**
 * Settings that only the system's manager can make.
 *
 * @param spec What the server needs in spite of them.
 * @returns The settings.
 * @throws {RangeError} When a path cannot stand in a unit.
 */
export function systemSandboxing({ config, paths }: SandboxingSpec): Setting[] {
  const capabilities = neededCapabilities(config);
  const canTrace = capabilities.some(({ name }) => name === "CAP_SYS_PTRACE");
  const all = [...paths.read, ...paths.written];
  return [
    {
      why: [
        "Root without the rest of its power; bwrap gets all capabilities in the user namespace that " +
        "it makes, whatever is named here." + (canTrace ? "" : SHARED_MEMORY),
        ...capabilities.map(({ name, why }) => `${name}: ${why}`),
      ],
      lines: [`CapabilityBoundingSet=${capabilities.map(({ name }) => name).join(" ")}`],
    },
    writablePaths(paths.written.filter((path) => path !== config.server.dataDir)),
    homes(all.filter((path) => HOMES.some((home) => isWithin(path, home)))),
    temporaryFolders(all.filter((path) => TEMPORARY.some((folder) => isWithin(path, folder)))),
    devices(all.filter((path) => isWithin(path, "/dev"))),
    { lines: ["ProtectKernelModules=yes"] },
    LEFT_OUT,
  ];
}

/** Each of these was tried. */
const LEFT_OUT: Setting = {
  why: [
    "Left out on purpose:",
    "ProtectKernelTunables=, ProtectKernelLogs=: the kernel lets bwrap mount a /proc for a sandbox " +
    "only where no part of the visible one is covered.",
    "ProcSubset=, ProtectProc=: bwrap reads /proc/sys, and the server looks after its workers in /proc.",
    "ProtectControlGroups=: the groups below this unit's own are the server's.",
    "ProtectHostname=: bwrap gives every sandbox a host name.",
    "RestrictSUIDSGID=: it takes openat2(2) away, without which bubblewrap 0.13 does nothing.",
    "MemoryDenyWriteExecute=: V8 and R packages compile while they run.",
    "User=, DynamicUser=, PrivateUsers=: workers have user ids of their own.",
  ],
  lines: [],
};

function writablePaths(mounts: readonly string[]): Setting {
  const why = "The whole file system is read-only but for the folders above";
  if (mounts.length === 0) return { why: `${why}.`, lines: ["ProtectSystem=strict"] };
  return {
    why: `${why} and what apps write; "-" lets the others start when one of these is not there.`,
    lines: ["ProtectSystem=strict", ...mounts.map((path) => `ReadWritePaths=-${unitWord(path)}`)],
  };
}

function homes(needed: readonly string[]): Setting {
  const [first] = needed;
  if (first === undefined) return { lines: ["ProtectHome=yes"] };
  return { why: `Not "yes", because of ${first}.`, lines: ["ProtectHome=read-only"] };
}

function temporaryFolders(needed: readonly string[]): Setting {
  const [first] = needed;
  if (first === undefined) return { lines: ["PrivateTmp=yes"] };
  return { why: `PrivateTmp= is left out, because of ${first}.`, lines: [] };
}

/** Both leave nothing but the usual pseudo devices. */
function devices(needed: readonly string[]): Setting {
  const [first] = needed;
  if (first === undefined) return { lines: ["PrivateDevices=yes", "ProtectClock=yes"] };
  return {
    why: `PrivateDevices= and ProtectClock= are left out, because of ${first}.`,
    lines: [],
  };
}
