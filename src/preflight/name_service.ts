import { errorMessage, systemClock } from "#src/core/mod.ts";
import { EXIT_TIMEOUT, type PreflightHost, type ProgramResult } from "./host.ts";
import { type HostGroup, type HostUser, parseGroup, parsePasswd } from "./host_accounts.ts";
import type { NumberRange } from "./number_ranges.ts";

/** What the name service of a host knows of some ids. */
export interface KnownAccounts {
  /** The users that have one of the uids. */
  readonly users: readonly HostUser[];
  /** The groups that have the gid. */
  readonly groups: readonly HostGroup[];
  /** Why there may be more: what went wrong; empty when all was answered, or there is nobody to ask. */
  readonly problems: readonly string[];
}

/** How long each of the two questions may take, in milliseconds: directories are asked over a network. */
const LOOKUP_MS = 8000;
/** How many uids are asked about at once; the answer has to fit into what is kept of it. */
const UIDS_AT_ONCE = 500;
/** What getent(1) ends with when it does not know all of the keys. */
const EXIT_NOT_FOUND = 2;

type Answer = { readonly text: string } | { readonly problem: string };

/**
 * Asks the host's name service (nsswitch.conf(5)) through getent(1), which knows users of directories
 * too. It is asked for each uid: directories as a rule do not list their users.
 *
 * @param host The host.
 * @param ids The uids and the gid of workers.
 * @returns What it knows; nothing when the host has no getent, and so no more than its files.
 */
export async function askNameService(
  host: PreflightHost,
  { uids, gid }: { uids: NumberRange; gid: number },
): Promise<KnownAccounts> {
  const getent = await host.findProgram("getent");
  if (getent === undefined) return { users: [], groups: [], problems: [] };
  const [ofUsers, ofGroup] = await Promise.all([
    askForUsers(host, { getent, uids }),
    ask(host, [getent, "group", String(gid)], LOOKUP_MS),
  ]);
  const answers = [...ofUsers, ofGroup];
  return {
    users: ofUsers.flatMap((answer) => "text" in answer ? parsePasswd(answer.text) : []),
    groups: "text" in ofGroup ? parseGroup(ofGroup.text) : [],
    problems: answers.flatMap((answer) => "problem" in answer ? [answer.problem] : []),
  };
}

/** Nothing more is asked after a question without an answer. */
async function askForUsers(
  host: PreflightHost,
  { getent, uids: { start, end } }: { getent: string; uids: NumberRange },
): Promise<Answer[]> {
  const startMs = systemClock.monotonicMs();
  const answers: Answer[] = [];
  for (let uid = start; uid <= end; uid += UIDS_AT_ONCE) {
    const count = Math.min(UIDS_AT_ONCE, end - uid + 1);
    const keys = Array.from({ length: count }, (_, index) => String(uid + index));
    const leftMs = Math.ceil(LOOKUP_MS - (systemClock.monotonicMs() - startMs));
    const answer = await ask(host, [getent, "passwd", ...keys], leftMs);
    answers.push(answer);
    if ("problem" in answer) break;
  }
  return answers;
}

async function ask(
  host: PreflightHost,
  command: readonly string[],
  timeoutMs: number,
): Promise<Answer> {
  const name = `getent ${command[1]}`;
  const tooSlow = { problem: `${name} took more than ${LOOKUP_MS / 1000} s` };
  if (timeoutMs <= 0) return tooSlow;
  let result: ProgramResult;
  try {
    result = await host.runProgram(command, { timeoutMs });
  } catch (cause) {
    return { problem: `${name} could not be run: ${errorMessage(cause)}` };
  }
  const { code, stdout, stderr } = result;
  if (code === 0 || code === EXIT_NOT_FOUND) return { text: stdout };
  if (code === EXIT_TIMEOUT) return tooSlow;
  const said = stderr.trim().slice(-300);
  return { problem: `${name} ended with code ${code}${said === "" ? "" : `: ${said}`}` };
}
