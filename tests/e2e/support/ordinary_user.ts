import type { TempFolder } from "#tests/support/temp_folder.ts";
import { EXECUTABLE } from "./executable.ts";
import { ownRanges } from "./ranges.ts";
import type { ServeOptions } from "./server.ts";

/**
 * Has a server run by somebody who is not root: with a home, an executable and a data folder of its
 * own, and no groups.
 *
 * @param folder Where these are.
 * @returns How such a server is started, and its `user`, a uid that nobody else has.
 */
export async function asOrdinaryUser(
  folder: TempFolder,
): Promise<ServeOptions & { readonly user: number }> {
  const user = ownRanges().uids.start;
  const home = await folder.folder("home", 0o700);
  await Deno.chown(home, user, user);
  const executable = `${folder.path}/blockyard`;
  await Deno.copyFile(EXECUTABLE, executable);
  await Deno.chmod(executable, 0o755);
  return {
    user,
    executable,
    prefix: ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"],
    env: {
      HOME: home,
      XDG_CACHE_HOME: `${home}/cache`,
      XDG_STATE_HOME: `${home}/state`,
      BLOCKYARD_CACHE_DIR: "",
      BLOCKYARD_SERVER_DATA_DIR: `${home}/data`,
    },
  };
}
