import { type Config, loadConfig } from "#src/config/mod.ts";
import { nearestName, UsageError } from "#src/core/mod.ts";
import { workersGroup } from "#src/firewall_group.ts";
import { applyByHand, handRules, removeByHand } from "#src/host_firewall.ts";
import { commentLines } from "#src/host_setup/mod.ts";
import { isRoot } from "#src/system.ts";
import { type CommandSpec, parseCommand } from "./args.ts";
import { commandHelp } from "./help.ts";
import { print } from "./print.ts";

/** What `firewall` understands. */
export const FIREWALL = {
  name: "firewall",
  summary: "print, set or remove the rules that keep workers from what they must not reach",
  positionals: [{
    name: "ACTION",
    help: "show (prints rules for nft: by uid as root, by cgroup otherwise), apply or remove",
  }],
  options: {
    config: { type: "string", value: "FILE", help: "the configuration, in YAML" },
  },
} as const satisfies CommandSpec;

const ACTIONS: Readonly<Record<string, (config: Config) => Promise<string>>> = {
  show: async (config) => {
    if (isRoot()) return `${heading(BY_UID)}${await handRules(config)}`;
    const group = await workersGroup(config.server.dataDir);
    return `${heading(BY_GROUP)}${await handRules(config, group)}`;
  },
  apply: async (config) => {
    requireRoot("set");
    return `set table inet ${await applyByHand(config)}\n`;
  },
  remove: async (config) => {
    requireRoot("remove");
    const tables = await removeByHand(config);
    return tables.map((table) => `removed table inet ${table}\n`).join("");
  },
};

/**
 * Prints, sets or removes rules.
 *
 * @param args What follows `firewall`.
 * @returns The exit code, 0.
 * @throws {UsageError} When the arguments or the configuration cannot be used.
 * @throws {Error} When it cannot be done.
 */
export async function firewall(args: readonly string[]): Promise<number> {
  const { help, options, positionals: [name = ""] } = parseCommand(FIREWALL, args);
  if (help) {
    print(commandHelp(FIREWALL, "blockyard"));
    return 0;
  }
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  if (action === undefined) {
    const known = Object.keys(ACTIONS);
    const near = nearestName(name, known);
    const want = near === undefined ? `one of ${known.join(", ")}` : JSON.stringify(near);
    throw new UsageError(`unknown action ${JSON.stringify(name)}: want ${want}`);
  }
  const config = loadConfig({
    path: options.config,
    env: Deno.env.toObject(),
    readFile: (path) => Deno.readTextFileSync(path),
    isRoot: isRoot(),
  });
  print(await action(config));
  return 0;
}

function requireRoot(what: string): void {
  if (isRoot()) return;
  throw new Error(
    `cannot ${what} firewall rules without root: give an administrator what "blockyard firewall ` +
      'show" prints, for nft -f',
  );
}

const BY_UID = "They go by the uids of workers, whichever server has them.";
const BY_GROUP =
  "They go by the cgroup of the workers, which nft looks up once, when it sets them: do that each " +
  "time after the server was started, since a group that was made anew is another one to the kernel.";

/** As comments of nft(8). */
function heading(whose: string): string {
  return [
    ...commentLines(
      "What workers of blockyard must not reach, for nft -f. Setting the rules again " +
        "puts them in the place of those set before.",
    ),
    ...commentLines(whose),
    ...commentLines(
      "Addresses of names, and the name servers that stay open, are those of the " +
        "moment when this was printed.",
    ),
  ].map((line) => `${line}\n`).join("");
}
