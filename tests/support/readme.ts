import { fileURLToPath } from "node:url";

const FILE = fileURLToPath(new URL("../../README.md", import.meta.url));

/**
 * Takes the scripts out of the README.
 *
 * @returns Every block of shell that is a whole script, beginning with its interpreter.
 */
export function readmeScripts(): string[] {
  const text = Deno.readTextFileSync(FILE);
  return Array.from(text.matchAll(/^```sh\n(#!.*?)^```$/gms), ([, script = ""]) => script);
}
