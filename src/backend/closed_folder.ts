import type { AppFiles, SandboxOwner } from "#src/sandbox/mod.ts";

/**
 * How bubblewrap ends when it may not enter what it is to mount (its `setup_newroot()`), or what is
 * mounted as the folder to start in (its `main()`). Its messages are English everywhere.
 */
const REFUSED = /^bwrap: Can't (?:find source path (\/.+)|chdir to \/app): Permission denied$/;

/**
 * Explains why a sandbox did not start, if that was for a folder that its user may not enter.
 *
 * @param said What bwrap said.
 * @param options `app` is what was to be at `/app`, `owner` is who the sandbox runs as.
 * @returns What is wrong and what is wanted; undefined if that was not the reason.
 */
export function explainClosedFolder(
  said: string,
  { app, owner }: { app: AppFiles; owner: SandboxOwner },
): string | undefined {
  const refused = REFUSED.exec(said);
  const path = refused?.[1] ?? (app.kind === "directory" ? app.path : undefined);
  if (refused === null || path === undefined) return undefined;
  const who = owner.exclusive
    ? `everybody or the group ${owner.gid} (process.worker_gid)`
    : `the server's own user id ${owner.uid}`;
  return `the worker cannot reach ${path}, want it, and each folder above it, open to ${who}`;
}
