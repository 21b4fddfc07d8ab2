import { judgeBind } from "./bind_findings.ts";
import type { Check } from "./check.ts";
import { judgeSecrets } from "./config_secrets.ts";
import { judgeDataDir } from "./data_dir_rights.ts";
import { findKeepers, type Keepers } from "./file_rights.ts";
import { type Finding, ok } from "./finding.ts";
import { type GuardedPath, judgeWalks, walkPaths } from "./guarded_paths.ts";
import type { PreflightHost } from "./host.ts";
import { lookAt } from "./not_found_out.ts";
import { judgeToken } from "./token_rights.ts";
import { judgeTrustedProxies } from "./trusted_proxies.ts";

/** Whether the configuration keeps others out: of the server, its secrets, and what it executes. */
export const configSecurity: Check = {
  name: "config_security",
  category: "configuration",
  async run(host) {
    const { server } = host.config;
    const keepers = await lookAt(
      "who owns what the server relies on",
      () => findKeepers(host),
    );
    const findings = [
      ...await judgeBind(server),
      ...judgeTrustedProxies(server.trustedProxies),
      ..."unknown" in keepers ? [keepers.unknown] : await judgeFiles(host, keepers.seen),
    ];
    return findings.length > 0 ? findings : ok(
      "nobody else can reach the server over the network, read its secrets or change its files",
    );
  },
};

async function judgeFiles(host: PreflightHost, keepers: Keepers): Promise<Finding[]> {
  const { config, configPath, identity } = host;
  const walks = await walkPaths(await guardedPaths(host));
  const file = walks.find(({ path }) => path === configPath);
  return [
    ...judgeWalks(walks, keepers),
    ...file !== undefined && "seen" in file.look
      ? await judgeSecrets(file.look.seen, { config, identity })
      : [],
    ...await judgeDataDir(host, keepers),
    ...await judgeToken(config.server, keepers),
  ];
}

/** What is not there has a check of its own that says so. */
async function guardedPaths({ config, configPath, findProgram }: PreflightHost): Promise<
  GuardedPath[]
> {
  const { bwrapPath, rPath, rigBase, seccompProfile } = config.process;
  const { dataDir, adminTokenFile } = config.server;
  const isManaged = config.firewall.mode === "managed";
  const [bwrap, nft, r] = await Promise.all([
    findProgram(bwrapPath),
    isManaged ? findProgram("nft") : undefined,
    findProgram(rPath),
  ]);
  const isRigUsed = config.apps.some(({ rVersion }) => rVersion !== "");
  const paths: (GuardedPath | undefined)[] = [
    configPath === undefined ? undefined : { path: configPath, what: "the server's configuration" },
    bwrap === undefined ? undefined : { path: bwrap, what: "the server's bwrap" },
    nft === undefined ? undefined : { path: nft, what: "the server's nft" },
    r === undefined ? undefined : { path: r, what: "the workers' R", isForWorkers: true },
    isRigUsed
      ? { path: rigBase, what: "the workers' versions of R", isForWorkers: true }
      : undefined,
    seccompProfile?.kind !== "file"
      ? undefined
      : { path: seccompProfile.path, what: "the workers' system call filter" },
    { path: dataDir, what: "the server's data folder", hasOwnRules: true },
    // In the data folder there is no other way to it.
    adminTokenFile === undefined
      ? undefined
      : { path: adminTokenFile, what: "the API's token", hasOwnRules: true },
  ];
  return paths.filter((path) => path !== undefined);
}
