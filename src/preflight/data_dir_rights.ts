import { dirname } from "node:path/posix";
import { isOwnerKnown, isStickyAndOpen, type Keepers } from "./file_rights.ts";
import { advice, error, type Finding, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { lookAt } from "./not_found_out.ts";
import { lstatIfThere, walkPath } from "./path_walk.ts";
import { commandsOn } from "./shell_quote.ts";

/** What others may not have on the folder, or serve refuses it. */
const OTHERS_WRITE = 0o022;
/** What lets others list it, or reach what is in it. */
const OTHERS_READ = 0o055;

/**
 * Says what is wrong with the server's data folder itself; the way to it is looked at elsewhere.
 *
 * @param host The host.
 * @param keepers Who may own what the server relies on.
 * @returns What is wrong; nothing when all is well. Never rejects.
 */
export async function judgeDataDir(host: PreflightHost, keepers: Keepers): Promise<Finding[]> {
  const path = host.config.server.dataDir;
  // As serve looks at it, which follows no link here.
  const look = await lookAt("what is at server.data_dir", () => lstatIfThere(path));
  if ("unknown" in look) return [look.unknown];
  return look.seen === undefined ? judgeMissing(host) : judgeFolder(look.seen, { path, keepers });
}

/** Others cannot get into what serve makes, but they can be there first. */
async function judgeMissing({ config, identity }: PreflightHost): Promise<Finding[]> {
  const path = config.server.dataDir;
  const look = await lookAt(`where ${path} is going to be`, () => walkPath(path));
  if ("unknown" in look) return [look.unknown];
  const { steps, missing } = look.seen;
  const parent = steps.findLast((step) => step.path === dirname(missing ?? path));
  if (parent === undefined || !isStickyAndOpen(parent.info)) return [];
  const owner = identity.isRoot ? "" : ` -o ${identity.uid} -g ${identity.gid}`;
  return [
    warning(
      `server.data_dir ${path} does not exist, and others can make it first, because everybody ` +
        `can make files in ${parent.path}`,
      commandsOn([`install -d -m 0700${owner}`], path),
    ),
  ];
}

/**
 * Judges what is at the path.
 *
 * @param info What lstat(2) tells of it.
 * @param options `path` is the path; `keepers` are who may own what the server relies on.
 * @returns What is wrong; nothing when all is well.
 */
export function judgeFolder(
  info: Pick<Deno.FileInfo, "isDirectory" | "isSymlink" | "uid" | "mode">,
  { path, keepers }: { path: string; keepers: Keepers },
): Finding[] {
  if (!info.isDirectory) {
    const what = info.isSymlink ? "a link" : "no folder";
    return [
      error(
        `server.data_dir ${path} is ${what}`,
        advice("Set server.data_dir to a folder itself, or to one that does not exist yet"),
      ),
    ];
  }
  const isForeign = info.uid !== keepers.uid && isOwnerKnown(info, keepers);
  const isWritable = (info.mode ?? 0o777) & OTHERS_WRITE;
  const isReadable = (info.mode ?? 0o777) & OTHERS_READ;
  const wrong = [
    ...isForeign ? [`belongs to uid ${info.uid}, not to uid ${keepers.uid}`] : [],
    ...isWritable ? ["can be written to by others"] : [],
    ...!isWritable && isReadable ? ["can be read by others"] : [],
  ];
  if (wrong.length === 0) return [];
  const message = `server.data_dir ${path} ${wrong.join(" and ")}`;
  const fix = commandsOn([
    ...isForeign ? [`chown ${keepers.uid}`] : [],
    ...isWritable || isReadable ? ["chmod 0700"] : [],
  ], path);
  return [isForeign || isWritable ? error(message, fix) : warning(message, fix)];
}
