/** Where programs are looked up in the sandbox, behind the folders of the worker's own R. */
const SYSTEM_PATH = ["/usr/local/bin", "/usr/bin", "/bin"];

/**
 * The environment of a program in the sandbox. Nothing of the server's own is in it.
 *
 * @param app What the app's owner set; wins over the rest.
 * @param options `binFolders` are searched for programs first.
 * @returns The whole environment.
 */
export function sandboxEnvironment(
  app: Readonly<Record<string, string>>,
  { binFolders = [] }: { binFolders?: readonly string[] } = {},
): Record<string, string> {
  return {
    PATH: [...new Set([...binFolders, ...SYSTEM_PATH])].join(":"),
    HOME: "/tmp",
    TMPDIR: "/tmp",
    USER: "worker",
    LOGNAME: "worker",
    LANG: "C.UTF-8",
    ...app,
  };
}
