import type { PreflightHost, ProgramResult } from "./host.ts";

/** How bwrap treats a mount target that a link in the tree below leads out of the sandbox. */
export type SymlinkTrial =
  /** It refused, or stayed in the sandbox. */
  | { readonly kind: "closed" }
  /** It made a folder on the host. */
  | { readonly kind: "open" }
  /** It could not be tried, because bwrap ended like this with the mount. */
  | { readonly kind: "cut short"; readonly result: ProgramResult }
  /** It could not be tried, because bwrap ended like this without the mount, too. */
  | { readonly kind: "no sandbox"; readonly result: ProgramResult };

/**
 * Tries CVE-2026-87766 on a scratch folder: a link in a tree that leads to the host's root as bwrap
 * keeps it while it sets up, and a mount below that link.
 *
 * @param host The host.
 * @param bwrapPath The absolute path of bwrap.
 * @returns How it went.
 * @throws {Error} When there is no scratch folder to be had, or bwrap cannot be started.
 */
export function trySymlinkMount(host: PreflightHost, bwrapPath: string): Promise<SymlinkTrial> {
  return host.inScratchFolder(async (scratch) => {
    const outside = `${scratch}/outside`;
    const bundle = `${scratch}/bundle`;
    await Deno.mkdir(outside);
    await Deno.mkdir(bundle);
    await Deno.symlink(`/oldroot${outside}`, `${bundle}/data`);
    // The worker's uid goes in and writes; the mask of this process must not decide that.
    await Deno.chmod(bundle, 0o755);
    await Deno.chmod(outside, 0o777);
    const run = (options: readonly string[]) =>
      host.runProgram([bwrapPath, ...BASE, "--ro-bind", bundle, "/app", ...options, ...TRUE], {
        asWorker: host.identity.isRoot,
      });
    // Without the mount it has to work, or a refusal would say nothing.
    const control = await run([]);
    if (control.code !== 0) return { kind: "no sandbox", result: control };
    const trial = await run(["--ro-bind", bundle, "/app/data/m"]);
    if (await exists(`${outside}/m`)) return { kind: "open" };
    if (trial.code >= 124) return { kind: "cut short", result: trial };
    return { kind: "closed" };
  });
}

/**
 * Links to folders are followed in the source, so that this fits hosts with and without `/bin`. The
 * room for temporary files is the youngest option of workers' sandboxes, and one that bwrap refuses
 * when it runs with its owner's rights.
 */
const BASE = [
  ...["--unshare-user", "--ro-bind", "/usr", "/usr"],
  ...["/bin", "/lib", "/lib64"].flatMap((path) => ["--ro-bind-try", path, path]),
  ...["--size", "65536", "--tmpfs", "/tmp"],
];
const TRUE = ["--", "/usr/bin/true"];

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
