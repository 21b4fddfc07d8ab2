/** The set-user-id bit of a file's mode (inode(7), S_ISUID). */
const SET_UID = 0o4000;

/**
 * Tells whether a program runs with its owner's uid, as far as its file says.
 *
 * @param path The program; links are followed.
 * @returns Whether the set-user-id bit is on it.
 * @throws {Error} When it cannot be looked at, or has no mode.
 */
export async function hasSetUidBit(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  if (mode === null) throw new Error(`cannot look at the mode of ${path}: it has none`);
  return (mode & SET_UID) !== 0;
}
