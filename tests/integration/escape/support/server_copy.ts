/**
 * A copy of the program that every user can run, wherever the checkout and Deno are.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { run } from "#scripts/support/run.ts";
import type { TempFolder } from "#tests/support/temp_folder.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
/** What the server's part of the test is made of. */
const PARTS = ["deno.json", "src", "ffi", "scripts/support", "tests/support"];
const HERE = "tests/integration/escape/support";

/**
 * Copies it.
 *
 * @param folder Where it goes.
 * @returns The command that runs the server's part; its argument follows.
 */
export async function copyServer(folder: TempFolder): Promise<string[]> {
  const root = await folder.folder("checkout");
  for (const part of [...PARTS, HERE]) {
    const above = part.split("/").slice(0, -1).join("/");
    if (above !== "") await folder.folder(`checkout/${above}`);
    await run("cp", ["-R", `${ROOT}${part}`, `${root}/${part}`]);
  }
  const deno = `${folder.path}/deno`;
  await Deno.copyFile(Deno.execPath(), deno);
  await run("chmod", ["-R", "a+rX", root, deno]);
  return [
    ...[deno, "run", "--allow-all", "--quiet", "--no-prompt", "--no-check", "--no-lock"],
    ...["--no-npm", "--no-remote", "--cached-only", "--config", `${root}/deno.json`],
    `${root}/${HERE}/host.ts`,
  ];
}
