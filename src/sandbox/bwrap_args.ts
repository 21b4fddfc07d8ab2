import { checkMountTarget, type NetworkMode } from "#src/core/mod.ts";
import type { JobArg } from "./bwrap_exec/job.ts";
import type { HostLayout } from "./host_layout.ts";
import type { SeccompFilter } from "./seccomp/filter.ts";
import { SOCKET_FOLDER } from "./socket_folder.ts";

/** A file or folder of the host, as the sandbox sees it. */
export interface Bind {
  /** Absolute, canonical path on the host. */
  readonly source: string;
  /** Absolute path in the sandbox. */
  readonly target: string;
  /** Whether writing is refused. */
  readonly readOnly: boolean;
}

/** What is at `/app`. */
export type AppFiles =
  /** A folder of the host, by its canonical path. */
  | { readonly kind: "directory"; readonly path: string }
  /** Text files by their name. */
  | { readonly kind: "files"; readonly files: Readonly<Record<string, string>> }
  /** Nothing. */
  | { readonly kind: "none" };

/** A sandbox and the program in it. */
export interface SandboxSpec {
  /** The user id that the program sees itself under. */
  readonly uid: number;
  /** The group id that the program sees itself under. */
  readonly gid: number;
  /** Whether it has the host's network, or none and a folder for a socket. */
  readonly network: NetworkMode;
  /** The host's system folders. */
  readonly layout: HostLayout;
  /** Programs outside `/usr` that are shown at their own paths, such as `/opt/R`. */
  readonly toolTrees: readonly Bind[];
  /** What is at `/app`. */
  readonly app: AppFiles;
  /** More of the host; every target is a top-level name. */
  readonly mounts: readonly Bind[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** The working directory in the sandbox. */
  readonly workDir: string;
  /** What decides about the program's system calls; undefined for no filter. */
  readonly seccomp: SeccompFilter | undefined;
  /** Room on /tmp, in bytes, above 0. */
  readonly tmpBytes: number;
  /** Room on /dev/shm, in bytes, above 0. */
  readonly shmBytes: number;
  /** The program and its arguments. */
  readonly command: readonly string[];
}

/**
 * What R, TLS, fonts, time zones and name lookups read from /etc; all else stays out. R itself and
 * its BLAS need `R` and `alternatives` on Debian.
 */
const ETC_FILES = [
  ...["R", "alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/certs"],
  ...["ssl/openssl.cnf", "ca-certificates", "pki", "crypto-policies", "fonts", "localtime"],
  ...["timezone", "nsswitch.conf", "resolv.conf", "hosts", "host.conf", "services", "protocols"],
  ...["mime.types", "gai.conf", "papersize", "java"],
] as const;

/** Room in the folder of the socket, in bytes: a socket takes none. */
const SOCKET_FOLDER_BYTES = 64 * 1024;

/** Package databases and caches outside /usr that R's packages read. */
const VAR_FOLDERS = ["/var/lib/R", "/var/cache/fontconfig"] as const;

/**
 * Turns a sandbox into the arguments of bwrap: a root of its own that holds the system's programs
 * read-only, the app at `/app`, sized temporary folders, and nothing else of the host; all
 * namespaces, the network's only for one without a network; no capabilities.
 *
 * The options go through a descriptor (`--args`), because the command line of a process is visible
 * to every user of the host, and the options hold the app's environment.
 *
 * @param spec The sandbox.
 * @returns The arguments for a launch job, without the program's name.
 * @throws {RangeError} When a mount's target is not a top-level name of its own, or a name or a
 * value cannot be passed.
 */
export function bwrapArgs(spec: SandboxSpec): JobArg[] {
  if (spec.command.length === 0) throw new RangeError("cannot run an empty command in a sandbox");
  return ["--args", { list: bwrapOptions(spec) }, "--", ...spec.command];
}

/**
 * The options that {@linkcode bwrapArgs} passes to bwrap, in the order in which bwrap carries them
 * out.
 *
 * @param spec The sandbox.
 * @returns bwrap's options.
 * @throws {RangeError} As {@linkcode bwrapArgs}.
 */
export function bwrapOptions(spec: SandboxSpec): JobArg[] {
  return [
    ...namespaceOptions(spec),
    ...environmentOptions(spec),
    ...systemOptions(spec),
    ...accountOptions(spec),
    ...temporaryOptions(spec),
    ...contentOptions(spec),
    ...["--remount-ro", "/"],
    ...["--chdir", spec.workDir],
    ...(spec.seccomp ? ["--seccomp", { base64: spec.seccomp.base64 }] : []),
  ];
}

function namespaceOptions(spec: SandboxSpec): JobArg[] {
  return [
    ...["--unshare-user", "--unshare-pid", "--unshare-uts", "--unshare-ipc"],
    "--unshare-cgroup-try",
    ...(spec.network === "none" ? ["--unshare-net"] : []),
    ...(spec.layout.canDisableUserns ? ["--disable-userns"] : []),
    ...["--uid", String(spec.uid), "--gid", String(spec.gid), "--hostname", "worker"],
    ...["--die-with-parent", "--new-session", "--cap-drop", "ALL"],
  ];
}

function environmentOptions(spec: SandboxSpec): JobArg[] {
  const options: JobArg[] = ["--clearenv"];
  for (const [name, value] of Object.entries(spec.env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new RangeError(`cannot set environment variable ${JSON.stringify(name)}: want a name`);
    }
    if (value.includes("\0")) {
      throw new RangeError(`cannot set environment variable ${name}: its value contains NUL`);
    }
    options.push("--setenv", name, value);
  }
  return options;
}

function systemOptions(spec: SandboxSpec): JobArg[] {
  const options: JobArg[] = ["--ro-bind", "/usr", "/usr"];
  for (const entry of spec.layout.rootEntries) {
    if (entry.kind === "symlink") options.push("--symlink", entry.target, `/${entry.name}`);
    else options.push("--ro-bind", `/${entry.name}`, `/${entry.name}`);
  }
  options.push("--perms", "0755", "--dir", "/etc");
  for (const name of ETC_FILES) options.push("--ro-bind-try", `/etc/${name}`, `/etc/${name}`);
  for (const path of VAR_FOLDERS) options.push("--ro-bind-try", path, path);
  return options;
}

function accountOptions({ uid, gid }: SandboxSpec): JobArg[] {
  const nobody = uid === 65534
    ? ""
    : "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
  const nogroup = gid === 65534 ? "" : "nogroup:x:65534:\n";
  return [
    ...["--perms", "0444", "--file", {
      data: `worker:x:${uid}:${gid}:worker:/tmp:/bin/sh\n${nobody}`,
    }],
    "/etc/passwd",
    ...["--perms", "0444", "--file", { data: `worker:x:${gid}:\n${nogroup}` }],
    "/etc/group",
  ];
}

function temporaryOptions(spec: SandboxSpec): JobArg[] {
  return [
    ...["--proc", "/proc", "--dev", "/dev"],
    // An empty list, since there are programs that want to read one.
    ...spec.layout.keyLists.flatMap((path) => [
      ...["--perms", "0444", "--ro-bind-data", { data: "" }, path],
    ]),
    ...["--size", String(spec.shmBytes), "--perms", "1777", "--tmpfs", "/dev/shm"],
    ...["--remount-ro", "/dev"],
    ...["--size", String(spec.tmpBytes), "--perms", "1777", "--tmpfs", "/tmp"],
    ...["--dir", "/run", "--symlink", "/tmp", "/var/tmp"],
    ...(spec.network === "none"
      ? ["--size", String(SOCKET_FOLDER_BYTES), "--perms", "0700", "--tmpfs", SOCKET_FOLDER]
      : []),
  ];
}

function contentOptions({ app, mounts, toolTrees }: SandboxSpec): JobArg[] {
  const options: JobArg[] = [];
  // Behind the temporary folders, which would hide an R that is below /tmp.
  for (const { source, target } of toolTrees) options.push("--ro-bind", source, target);
  if (app.kind === "directory") options.push("--ro-bind", app.path, "/app");
  else options.push("--perms", "0755", "--dir", "/app");
  if (app.kind === "files") {
    for (const [name, data] of Object.entries(app.files)) {
      if (!/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name)) {
        throw new RangeError(
          `cannot put ${JSON.stringify(name)} into /app: want a plain file name`,
        );
      }
      options.push("--perms", "0444", "--file", { data }, `/app/${name}`);
    }
  }

  // A mount below a tree whose owner is not trusted could be led elsewhere by a link in that tree,
  // so that every target is a name of its own in the root that bwrap made.
  const taken = new Set(toolTrees.map(({ target }) => `/${target.split("/")[1]}`));
  for (const { source, target, readOnly } of mounts) {
    checkMountTarget(target);
    if (taken.has(target)) throw new RangeError(`cannot mount at ${target}: it is in use`);
    taken.add(target);
    options.push(readOnly ? "--ro-bind" : "--bind", source, target);
  }
  return options;
}
