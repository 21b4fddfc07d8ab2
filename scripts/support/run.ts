/**
 * Runs a program to its end, with this process's standard error.
 *
 * @param program Its path or name.
 * @param args Its arguments.
 * @param options `cwd` is its working directory.
 * @returns What it printed on standard output.
 * @throws {Error} When it cannot be started or ends with another code than 0.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: { cwd?: string } = {},
): Promise<string> {
  const command = new Deno.Command(program, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  });
  const { code, stdout } = await command.output();
  if (code !== 0) throw new Error(`cannot go on: ${program} ${args.join(" ")} ended with ${code}`);
  return new TextDecoder().decode(stdout);
}
