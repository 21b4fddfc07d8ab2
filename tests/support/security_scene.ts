/**
 * Configurations that are closed in themselves, and the check that looks at who else can change or
 * read them.
 *
 * @module
 */
import { loadConfig } from "#src/config/mod.ts";
import { configSecurity } from "#src/preflight/config_security.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { openPreflightHost } from "#src/preflight_host.ts";
import { assert, assertEquals } from "./assert.ts";
import { fix } from "./preflight_cases.ts";
import type { TempFolder } from "./temp_folder.ts";

/** Somebody who is neither root nor a user of this host. */
export const STRANGER = 1_937_000_007;

/** What is found where all is well. */
export const OK: readonly Finding[] = [{
  severity: "ok",
  message:
    "nobody else can reach the server over the network, read its secrets or change its files",
}];

/** What a configuration says, and who looks at it. */
export interface Scene {
  /** The configuration file, `blockyard.yaml` in the folder if not given. */
  readonly configPath?: string;
  /** What the file says. */
  readonly yaml?: Readonly<Record<string, unknown>>;
  /** Variables of the configuration. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who the server runs as, if not root. */
  readonly identity?: PreflightHost["identity"];
  /** Finds programs in place of this host. */
  readonly findProgram?: PreflightHost["findProgram"];
}

/**
 * Writes a configuration that is closed in itself.
 *
 * @param folder Where it goes.
 * @param scene What it says, and who looks at it.
 * @returns What looks at it.
 */
export async function scene(
  folder: TempFolder,
  { configPath = `${folder.path}/blockyard.yaml`, yaml = {}, env = {}, ...shown }: Scene = {},
): Promise<() => Promise<readonly Finding[]>> {
  await Deno.writeTextFile(configPath, JSON.stringify(yaml), { mode: 0o644 });
  return async () => {
    const config = loadConfig({
      path: configPath,
      readFile: Deno.readTextFileSync,
      env: { BLOCKYARD_SERVER_DATA_DIR: `${folder.path}/data`, ...env },
      isRoot: true,
    });
    await using opened = openPreflightHost(config, { configPath });
    return [await configSecurity.run({ ...opened.host, ...shown })].flat();
  };
}

/**
 * Lists findings in short.
 *
 * @param findings The findings.
 * @returns Severity and message of each.
 */
export const brief = (findings: readonly Finding[]): string[] =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);

/**
 * Holds that there is one finding, runs its command, and holds that all is well then.
 *
 * @param look Looks for findings.
 * @param expected `found` is the finding in short, `run` its command.
 */
export async function isMended(
  look: () => Promise<readonly Finding[]>,
  { found, run }: { found: string; run: string },
): Promise<void> {
  const findings = await look();
  assertEquals(brief(findings), [found]);
  const [finding] = findings;
  assert(finding !== undefined && finding.severity !== "ok");
  assertEquals(finding.fix, { kind: "command", text: run });
  await fix(finding, finding.severity);
  assertEquals(await look(), OK);
}
