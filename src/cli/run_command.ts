import { BUILD_INFO, errorMessage, UsageError } from "#src/core/mod.ts";
import { print } from "./print.ts";
import { createLineWriter } from "./stderr.ts";

/** Exit code for a command line or a configuration that cannot be used. */
const EXIT_USAGE = 2;
/** Exit code for everything else that failed. */
const EXIT_FAILURE = 1;

type Command = (args: readonly string[]) => number | Promise<number>;

/** Each command loads what it needs, and nothing of the others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  "serve": async () => (await import("./serve.ts")).serve,
  "preflight": async () => (await import("./preflight.ts")).preflight,
  "systemd-unit": async () => (await import("./systemd_unit.ts")).printSystemdUnit,
  "apparmor": async () => (await import("./apparmor.ts")).apparmor,
  "seccomp": async () => (await import("./seccomp.ts")).seccomp,
  "firewall": async () => (await import("./firewall.ts")).firewall,
  "bwrap-exec": async () => (await import("#src/sandbox/bwrap_exec/main.ts")).bwrapExec,
  "probe": async () => (await import("#src/probe/main.ts")).probe,
};

/**
 * Runs the command that the arguments name.
 *
 * @param args The program's arguments.
 * @returns The exit code. Errors are written to standard error, in words.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const [name = "--help", ...rest] = args;
  try {
    if (name === "--version") return printVersion();
    if (name === "--help" || name === "-h" || name === "help") return await printHelp();
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) {
      const { unknownCommand } = await import("./args.ts");
      throw unknownCommand(name, Object.keys(COMMANDS));
    }
    const command = await load();
    return await command(rest);
  } catch (error) {
    // What nobody can be told still has its exit code.
    const complain = createLineWriter(() => "blockyard: more could not be said");
    if (!(error instanceof UsageError)) {
      complain(`blockyard: ${errorMessage(error)}`);
      return EXIT_FAILURE;
    }
    // A configuration can have many problems, each with a line of its own.
    const count = error.message.split("\n").length;
    complain(
      count === 1
        ? `blockyard: ${error.message}`
        : `blockyard: ${count} problems:\n${error.message}`,
    );
    return EXIT_USAGE;
  }
}

function printVersion(): number {
  const { version, kind, commit } = BUILD_INFO;
  const details = [kind, ...(commit === "" ? [] : [commit]), `deno ${Deno.version.deno}`];
  print(`blockyard ${version} (${details.join(", ")})\n`);
  return 0;
}

async function printHelp(): Promise<number> {
  const [{ programHelp }, ...commands] = await Promise.all([
    import("./help.ts"),
    import("./serve.ts").then(({ SERVE }) => SERVE),
    import("./preflight.ts").then(({ PREFLIGHT }) => PREFLIGHT),
    import("./systemd_unit.ts").then(({ SYSTEMD_UNIT }) => SYSTEMD_UNIT),
    import("./apparmor.ts").then(({ APPARMOR }) => APPARMOR),
    import("./seccomp.ts").then(({ SECCOMP }) => SECCOMP),
    import("./firewall.ts").then(({ FIREWALL }) => FIREWALL),
  ]);
  const bwrapExec = { name: "bwrap-exec", summary: "become a sandbox (started by serve)" };
  const probe = {
    name: "probe",
    summary: "tell what a worker can connect to (started by preflight)",
  };
  const program = { name: "blockyard", summary: "serve R apps, each in a sandbox of its own" };
  print(programHelp(program, [...commands, bwrapExec, probe]));
  return 0;
}
