import type { HostRoots } from "./host.ts";
import type { NumberRange } from "./number_ranges.ts";

/** The ids that this process can take. */
export interface MappedIds {
  /** The uids of its user namespace that stand for one outside. */
  readonly uids: readonly NumberRange[];
  /** The gids. */
  readonly gids: readonly NumberRange[];
  /** Whether a process of the namespace can change its groups. */
  readonly canSetGroups: boolean;
  /** The capabilities that it takes to change ids and that this process does not have. */
  readonly lacking: readonly string[];
}

/** What it takes to go over to other ids, by their numbers in linux/capability.h. */
const CAPABILITIES = [[6, "CAP_SETGID"], [7, "CAP_SETUID"]] as const;

/**
 * Reads which ids the user namespace of this process has (user_namespaces(7)), and whether the process
 * may go over to them (capabilities(7)).
 *
 * @param roots Where the procfs is.
 * @returns The ids.
 * @throws {SyntaxError} When a file has another form than it should.
 * @throws {Error} When it cannot be read.
 */
export async function readMappedIds({ proc }: HostRoots): Promise<MappedIds> {
  const [uids, gids, setgroups, status] = await Promise.all(
    ["uid_map", "gid_map", "setgroups", "status"].map((name) =>
      Deno.readTextFile(`${proc}/self/${name}`)
    ),
  );
  const answer = setgroups?.trim() ?? "";
  if (answer !== "allow" && answer !== "deny") {
    throw new SyntaxError(`cannot parse ${JSON.stringify(answer)}: want allow or deny`);
  }
  return {
    uids: parseIdMap(uids ?? ""),
    gids: parseIdMap(gids ?? ""),
    canSetGroups: answer === "allow",
    lacking: lackingCapabilities(status ?? ""),
  };
}

function lackingCapabilities(status: string): string[] {
  const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (digits === undefined) {
    throw new SyntaxError("cannot parse the status of this process: want a line for CapEff");
  }
  const effective = BigInt(`0x${digits}`);
  return CAPABILITIES.filter(([bit]) => (effective >> BigInt(bit) & 1n) === 0n)
    .map(([, name]) => name);
}

/**
 * Parses `/proc/PID/uid_map` or `/proc/PID/gid_map`.
 *
 * @param text Lines of three numbers: the first id inside, the first one outside, how many.
 * @returns The ids inside; empty for a namespace that nothing was mapped into.
 * @throws {SyntaxError} When it has another form.
 */
export function parseIdMap(text: string): NumberRange[] {
  return text.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const match = /^\s*(\d+)\s+\d+\s+([1-9]\d*)\s*$/.exec(line);
    if (match === null) {
      throw new SyntaxError(
        `cannot parse ${JSON.stringify(line)}: want a line of /proc/PID/uid_map`,
      );
    }
    const start = Number(match[1]);
    return { start, end: start + Number(match[2]) - 1 };
  });
}
