import { UsageError } from "#src/core/mod.ts";
import { type ApparmorAbi, apparmorProfile } from "#src/host_setup/mod.ts";
import { type CommandSpec, parseCommand } from "./args.ts";
import { EXECUTABLE_OPTION, namedExecutable, withoutLinks } from "./executable_option.ts";
import { commandHelp } from "./help.ts";
import { print } from "./print.ts";

/** What `apparmor` understands. */
export const APPARMOR = {
  name: "apparmor",
  summary: "print the AppArmor profile that lets this executable make sandboxes",
  options: {
    executable: EXECUTABLE_OPTION,
    abi: { type: "string", value: "3|4", help: "3 for parsers before AppArmor 4; 4 if not given" },
  },
} as const satisfies CommandSpec;

/**
 * Prints the profile.
 *
 * @param args What follows `apparmor`.
 * @returns The exit code, 0.
 * @throws {UsageError} When the arguments cannot be used.
 */
export async function apparmor(args: readonly string[]): Promise<number> {
  const { help, options } = parseCommand(APPARMOR, args);
  if (help) {
    print(commandHelp(APPARMOR, "blockyard"));
    return 0;
  }
  const abi = parseAbi(options.abi);
  const executable = await withoutLinks(namedExecutable(options.executable));
  try {
    print(apparmorProfile({ executable, abi }));
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
  return 0;
}

function parseAbi(text = "4"): ApparmorAbi {
  if (text === "3" || text === "4") return text === "3" ? 3 : 4;
  throw new UsageError(`cannot write a profile for abi ${JSON.stringify(text)}: want 3 or 4`);
}
