import { errorMessage } from "#src/core/mod.ts";
import { SOCKET_PATH } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok } from "./finding.ts";
import type { PreflightHost, RunningTrial } from "./host.ts";
import { networksInUse } from "./networks_in_use.ts";
import { lookAt } from "./not_found_out.ts";

/** What there is without a network (proc_pid_net(5)), and a file that only its owner may write to. */
const TRIAL = [
  "/bin/sh",
  "-c",
  `cat /proc/net/dev; umask 077; : > ${SOCKET_PATH}; exec sleep 60`,
] as const;
/** What a sandbox is tried with that has the host's network. */
const TRUE = ["/usr/bin/true"] as const;
/** How long the file may take to be there, in milliseconds, and the pause between two looks. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 10;

/** Whether workers can be without a network, and the server reach them all the same. */
export const networkNone: Check = {
  name: "network_none",
  category: "network",
  async run(host) {
    if (!networksInUse(host.config).has("none")) return ok("no app has network: none");
    let reach: string | undefined = "the sandbox ended before it was looked at";
    let interfaces: string[];
    try {
      const { stdout } = await host.sandboxes.run({
        command: TRIAL,
        network: "none",
        whileRunning: async (running) => {
          reach = await problemOfReach(host, running);
          running.end();
        },
      });
      interfaces = interfacesOf(stdout);
    } catch (cause) {
      return await cannotBeMade(host, errorMessage(cause));
    }
    const others = interfaces.filter((name) => name !== "lo");
    if (interfaces.length === 0 || others.length > 0) {
      const seen = interfaces.length === 0 ? "no loopback" : others.join(", ");
      return error(`a worker with network: none has ${seen}, want loopback alone`, USE_BUBBLEWRAP);
    }
    if (reach !== undefined) {
      return error(`the server does not reach a worker with network: none: ${reach}`, BE_ALLOWED);
    }
    return ok("a worker with network: none has loopback alone, and the server reaches it");
  },
};

const USE_BUBBLEWRAP = advice("Set process.bwrap_path to an unchanged bubblewrap");

const BE_ALLOWED = advice(
  "Run the server with CAP_SYS_PTRACE and CAP_DAC_OVERRIDE, as blockyard systemd-unit has it, or set " +
    "network: host",
);

/** Does to a file what connecting does to a socket: it is looked up and written to. */
async function problemOfReach(
  { roots }: PreflightHost,
  { initPid }: RunningTrial,
): Promise<string | undefined> {
  const path = `${roots.proc}/${initPid}/root${SOCKET_PATH}`;
  const startMs = performance.now();
  for (;;) {
    try {
      (await Deno.open(path, { write: true })).close();
      return undefined;
    } catch (cause) {
      const isLate = performance.now() - startMs > PATIENCE_MS;
      if (!(cause instanceof Deno.errors.NotFound) || isLate) return errorMessage(cause);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Behind two lines of titles, each line begins with a name and a colon. */
function interfacesOf(text: string): string[] {
  return text.split("\n").slice(2).flatMap((line) => /^\s*([^:\s]+):/.exec(line)?.[1] ?? []);
}

/** Where no sandbox works at all, nothing is known about its network. */
async function cannotBeMade(host: PreflightHost, reason: string): Promise<Finding> {
  const other = await lookAt(
    "whether workers can be without a network",
    () => host.sandboxes.run({ command: TRUE }),
  );
  if ("unknown" in other) return other.unknown;
  return error(
    `no worker with network: none can be started: ${reason}`,
    advice("Let bwrap make network namespaces and set up loopback in them, or set network: host"),
  );
}
