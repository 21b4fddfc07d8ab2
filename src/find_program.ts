/**
 * Finds a program as a shell would, once, so that everything later uses one absolute path.
 *
 * @param name A name to look for, or a path.
 * @param options `path` is the search path, folders separated by colons; relative ones are ignored.
 * @returns The absolute path, links not followed; undefined when there is no such program.
 */
export async function findProgram(
  name: string,
  { path }: { path: string },
): Promise<string | undefined> {
  const candidates = name.startsWith("/")
    ? [name]
    : name.includes("/")
    ? []
    : path.split(":").filter((folder) => folder.startsWith("/")).map((folder) =>
      `${folder}/${name}`
    );
  for (const candidate of candidates) {
    if (await isExecutableFile(candidate)) return candidate;
  }
  return undefined;
}

async function isExecutableFile(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch {
    // Whatever hides a file from us hides it from execve(2) too.
    return false;
  }
}
