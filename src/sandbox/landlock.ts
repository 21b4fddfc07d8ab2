import { LANDLOCK_ABI_WITH_SCOPES, landlockAbi, type Libc } from "#ffi/mod.ts";
import { errorMessage } from "#src/core/mod.ts";

/** Whether Landlock can hold sandboxes. */
export type LandlockSupport =
  /** It keeps abstract unix sockets and processes of the host out of their reach. */
  | { readonly kind: "scoped" }
  /** It cannot. */
  | { readonly kind: "none"; readonly reason: string };

/** The bits that let a program run with its owner's or its group's rights, inode(7). */
const SET_ID_BITS = 0o6000;

/**
 * Finds out whether Landlock can hold sandboxes, by asking the kernel and looking at bwrap.
 *
 * @param libc The C library.
 * @param options `bwrapPath` is the absolute path of bwrap.
 * @returns Whether it can, and if not, why.
 * @throws {Error} When bwrap cannot be looked at.
 */
export async function findLandlock(
  libc: Libc,
  { bwrapPath }: { bwrapPath: string },
): Promise<LandlockSupport> {
  let abi: number;
  try {
    abi = landlockAbi(libc);
  } catch (error) {
    return none(`the kernel does not tell of Landlock (${errorMessage(error)})`);
  }
  const { mode } = await Deno.stat(bwrapPath);
  return judgeLandlock({ abi, bwrapPath, isSetId: ((mode ?? 0) & SET_ID_BITS) !== 0 });
}

/**
 * Judges what {@linkcode findLandlock} found.
 *
 * @param found `abi` is the version of Landlock's interface, 0 for none; `isSetId` is whether bwrap
 * runs with its owner's rights, which Landlock would take from it.
 * @returns Whether Landlock can hold sandboxes.
 */
export function judgeLandlock(
  { abi, bwrapPath, isSetId }: { abi: number; bwrapPath: string; isSetId: boolean },
): LandlockSupport {
  if (abi === 0) return none("the kernel has no Landlock, or was booted without it");
  if (abi < LANDLOCK_ABI_WITH_SCOPES) {
    return none(`the kernel's Landlock has version ${abi}, want ${LANDLOCK_ABI_WITH_SCOPES}`);
  }
  if (isSetId) {
    return none(`${bwrapPath} is a set-id program, which loses its rights under Landlock`);
  }
  return { kind: "scoped" };
}

function none(reason: string): LandlockSupport {
  return { kind: "none", reason };
}
