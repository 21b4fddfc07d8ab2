import { type Config, loadConfig } from "#src/config/mod.ts";
import type { Check, Finding, PreflightHost } from "#src/preflight/mod.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";

/** A host of which a check sees some files. */
export interface HostFiles {
  /** The files' contents, by their paths below the folder that stands for `/`. */
  readonly files: Readonly<Record<string, string>>;
  /** What the host has besides. */
  readonly host?: Partial<PreflightHost>;
}

/**
 * Runs a check on a host that has these files below its roots and no others.
 *
 * @param check The check.
 * @param options The host.
 * @returns What the check found.
 */
export async function look(
  check: Check,
  { files, host = {} }: HostFiles,
): Promise<readonly Finding[]> {
  await using folder = await tempFolder();
  for (const [name, text] of Object.entries(files)) await folder.write(name, text);
  const { path } = folder;
  const roots = { proc: `${path}/proc`, etc: `${path}/etc`, sys: `${path}/sys` };
  return [await check.run(fakeHost({ roots, ...host }))].flat();
}

/**
 * Makes a configuration.
 *
 * @param options `yaml` is its file; `env` its variables, each without the common prefix; `demo` is
 * whether the built-in app is served too.
 * @returns The configuration.
 */
export function configOf(
  { yaml = "{}", env = {}, demo = false }: {
    yaml?: string;
    env?: Readonly<Record<string, string>>;
    demo?: boolean;
  },
): Config {
  const entries = Object.entries(env).map(([name, value]) => [`BLOCKYARD_${name}`, value]);
  return loadConfig({
    path: "/etc/blockyard.yaml",
    env: Object.fromEntries(entries),
    isRoot: true,
    demo,
    readFile: () => yaml,
  });
}

/**
 * Lets a host find some programs.
 *
 * @param names The programs.
 * @returns What finds them, in `/bin`.
 */
export function finding(...names: readonly string[]): PreflightHost["findProgram"] {
  return (name) => Promise.resolve(names.includes(name) ? `/bin/${name}` : undefined);
}
