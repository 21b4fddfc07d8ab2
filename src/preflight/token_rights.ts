import { ADMIN_TOKEN_NAME } from "#src/admin_token.ts";
import type { ServerConfig } from "#src/config/mod.ts";
import { isOwnerKnown, type Keepers } from "./file_rights.ts";
import { advice, error, type Finding } from "./finding.ts";
import { lookAt } from "./not_found_out.ts";
import { lstatIfThere } from "./path_walk.ts";
import { commandsOn } from "./shell_quote.ts";

/** What nobody but the owner may have on a secret. */
const OTHERS = 0o077;

/**
 * Says what is wrong with the file of the API's token; the way to it is looked at elsewhere.
 *
 * @param server The server's configuration.
 * @param keepers Who may own what the server relies on.
 * @returns What is wrong; nothing when all is well, or when the server is going to make the file.
 * Never rejects.
 */
export async function judgeToken(
  { dataDir, adminTokenFile }: ServerConfig,
  keepers: Keepers,
): Promise<Finding[]> {
  const path = adminTokenFile ?? `${dataDir}/${ADMIN_TOKEN_NAME}`;
  const look = await lookAt("who can read the API's token", () => lstatIfThere(path));
  if ("unknown" in look) return [look.unknown];
  if (look.seen !== undefined) return judgeTokenFile(look.seen, { path, keepers });
  if (adminTokenFile === undefined) return [];
  return [
    error(
      `server.admin_token_file ${path} does not exist`,
      advice(
        "Write a token into it, or leave server.admin_token_file out and let the server make one",
      ),
    ),
  ];
}

/**
 * Judges the file.
 *
 * @param info What lstat(2) tells of it.
 * @param options `path` is its path; `keepers` are who may own what the server relies on.
 * @returns What is wrong; nothing when all is well.
 */
export function judgeTokenFile(
  info: Pick<Deno.FileInfo, "isFile" | "isDirectory" | "isSymlink" | "uid" | "mode">,
  { path, keepers }: { path: string; keepers: Keepers },
): Finding[] {
  if (!info.isFile) {
    const what = info.isSymlink ? "a link" : "no regular file";
    return [
      error(
        `the API's token ${path} is ${what}`,
        advice("Remove it, and put a regular file with mode 0600 there if the token is to stay"),
      ),
    ];
  }
  // Who is not its owner gets at a file with this mode only as root.
  const isForeign = info.uid !== keepers.uid && isOwnerKnown(info, keepers);
  const isShared = ((info.mode ?? 0o777) & OTHERS) !== 0;
  const wrong = [
    ...isForeign ? [`belongs to uid ${info.uid}, not to uid ${keepers.uid}`] : [],
    ...isShared ? ["is not its owner's alone"] : [],
  ];
  if (wrong.length === 0) return [];
  return [
    error(
      `the API's token ${path} ${wrong.join(" and ")}`,
      commandsOn([
        ...isForeign ? [`chown ${keepers.uid}`] : [],
        ...isShared ? ["chmod 0600"] : [],
      ], path),
    ),
  ];
}
