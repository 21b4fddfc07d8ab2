import type { Check } from "./check.ts";
import { type FdNeed, fdNeed, maxWorkersWithin } from "./fd_need.ts";
import { advice, command, error, type Finding, type Fix, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { lookAt } from "./not_found_out.ts";
import { counted } from "./number_ranges.ts";
import { readSysctl, sysctlCommand } from "./sysctl.ts";

/** The limit of all processes of the host together (proc_sys_fs(5)). */
const FILE_MAX = "fs.file-max";
/** What no process may raise its own limit above, root's included (proc_sys_fs(5)). */
const NR_OPEN = "fs.nr_open";
/** What is left for the rest of the host when the limit has to be raised. */
const FILE_MAX_FACTOR = 4;

/** Whether the server may open as many files as its workers and their sessions take. */
export const fdLimit: Check = {
  name: "fd_limit",
  category: "resources",
  async run(host) {
    const { config, roots } = host;
    const need = fdNeed(config);
    const [limit, fileMax, nrOpen, sysctl] = await Promise.all([
      lookAt(
        "how many files the server may open",
        async () => parseOpenFilesLimit(await Deno.readTextFile(`${roots.proc}/self/limits`)),
      ),
      lookAt("how many files the host may open", () => readFileMax(host)),
      // It says no more than how the limit can be raised.
      readSysctl(roots, NR_OPEN).then(Number, () => NaN),
      host.findProgram("sysctl"),
    ]);
    const findings: Finding[] = [
      ..."seen" in limit
        ? limitFindings(config, { need, limit: limit.seen, nrOpen })
        : [limit.unknown],
      ..."seen" in fileMax
        ? hostFindings({ need, fileMax: fileMax.seen, hasSysctl: sysctl !== undefined })
        : [fileMax.unknown],
    ];
    if (findings.length > 0 || !("seen" in limit)) return findings;
    const most = limit.seen === Infinity ? "any number of" : `${limit.seen}`;
    return ok(`the server may open ${most} files, and ${needText(config, need)}`);
  },
};

/**
 * Reads the limit that a process cannot raise by itself: Deno raises the other one to it.
 *
 * @param text The content of `/proc/PID/limits` (proc_pid_limits(5)).
 * @returns The hard limit of open files; Infinity for none.
 * @throws {SyntaxError} When the file does not say.
 */
export function parseOpenFilesLimit(text: string): number {
  const hard = /^Max open files +(?:\d+|unlimited) +(\d+|unlimited) +files *$/m.exec(text)?.[1];
  if (hard === undefined) {
    throw new SyntaxError("cannot parse the limits of a process: want a line for Max open files");
  }
  return hard === "unlimited" ? Infinity : Number(hard);
}

function limitFindings(
  config: PreflightHost["config"],
  { need, limit, nrOpen }: { need: FdNeed; limit: number; nrOpen: number },
): Finding[] {
  if (limit >= need.withSessions) return [];
  const message = `the server may open ${limit} files, but ${needText(config, need)}`;
  const fix = raise(need.withSessions, {
    nrOpen,
    maxWorkers: maxWorkersWithin(config, limit),
  });
  return [limit < need.workers ? error(message, fix) : warning(message, fix)];
}

function needText(
  { proxy: { maxWorkers } }: PreflightHost["config"],
  { workers, withSessions, sessions }: FdNeed,
): string {
  return `up to ${workers} are needed for ${counted(maxWorkers, "worker")}` +
    (sessions === 0 ? "" : `, ${withSessions} with ${counted(sessions, "session")}`);
}

function raise(
  wanted: number,
  { nrOpen, maxWorkers }: { nrOpen: number; maxWorkers: number | undefined },
): Fix {
  const first = nrOpen < wanted ? `Raise ${NR_OPEN} from ${nrOpen} to ${wanted} with sysctl. ` : "";
  return advice(
    `${first}Raise the hard limit to ${wanted} or more: LimitNOFILE=${wanted} in the server's systemd unit, ` +
      `or ulimit -Hn ${wanted} as root before it is started` +
      (maxWorkers === undefined ? "" : `; or set proxy.max_workers to ${maxWorkers}`),
  );
}

async function readFileMax({ roots }: PreflightHost): Promise<number> {
  const text = await readSysctl(roots, FILE_MAX);
  if (text === undefined || !/^\d+$/.test(text)) {
    throw new SyntaxError(
      `cannot parse ${JSON.stringify(text ?? "")} of ${FILE_MAX}: want a number`,
    );
  }
  return Number(text);
}

function hostFindings(
  { need, fileMax, hasSysctl }: { need: FdNeed; fileMax: number; hasSysctl: boolean },
): Finding[] {
  if (fileMax >= need.withSessions) return [];
  const wanted = need.withSessions * FILE_MAX_FACTOR;
  return [warning(
    `all processes of the host may open ${fileMax} files together (${FILE_MAX}), but the server ` +
      `alone may need ${need.withSessions}`,
    command(sysctlCommand(FILE_MAX, wanted, { hasSysctl })),
  )];
}
