import { loadConfig } from "#src/config/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import type { PreflightHost } from "#src/preflight/mod.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

/**
 * Makes a host for checks, on which nothing can be run unless the test says how.
 *
 * @param overrides What differs from a root server with the default configuration.
 * @returns The host.
 */
export function fakeHost(overrides: Partial<PreflightHost> = {}): PreflightHost {
  const readFile = () => {
    throw new Error("there is no file");
  };
  const refuse = () => Promise.reject(new Error("this host runs nothing"));
  return {
    config: loadConfig({ env: {}, isRoot: true, readFile }),
    configPath: undefined,
    identity: { uid: toUid(0), gid: toGid(0), groups: [], isRoot: true },
    roots: { proc: "/proc", etc: "/etc", sys: "/sys" },
    sandboxes: { run: refuse, canDisableUserns: refuse, landlock: refuse },
    findProgram: () => Promise.resolve(undefined),
    runProgram: refuse,
    inScratchFolder: async (action) => {
      await using folder = await tempFolder();
      return await action(folder.path);
    },
    selfInSandbox: (args) => Promise.resolve({ command: ["/self", ...args], shown: [], env: {} }),
    ...overrides,
  };
}
