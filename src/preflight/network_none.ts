import { errorMessage } from "#src/core/mod.ts";
import { SOCKET_PATH } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost, ProgramResult, RunningTrial } from "./host.ts";
import { networksInUse } from "./networks_in_use.ts";
import { LOOK_AGAIN, lookAt } from "./not_found_out.ts";

/** What there is without a network (proc_pid_net(5)), and a file that only its owner may write to. */
const TRIAL = [
  "/bin/sh",
  "-c",
  `cat /proc/net/dev; umask 077; : > ${SOCKET_PATH}; exec sleep 60`,
] as const;
/** What a sandbox is tried with that has the host's network. */
const TRUE = ["/usr/bin/true"] as const;
/** What the list of interfaces begins with. */
const TITLE = "Inter-|";
/** How long the file may take to be there, in milliseconds, and the pause between two looks. */
const PATIENCE_MS = 5000;
const PAUSE_MS = 10;

/** Whether workers can be without a network, and the server reach them all the same. */
export const networkNone: Check = {
  name: "network_none",
  category: "network",
  async run(host) {
    if (!networksInUse(host.config).has("none")) return ok("no app has network: none");
    let reach: Reach | undefined;
    let result: ProgramResult;
    try {
      result = await host.sandboxes.run({
        command: TRIAL,
        network: "none",
        whileRunning: async (running) => {
          reach = await reachFor(host, running);
          running.end();
        },
      });
    } catch (cause) {
      return await cannotBeMade(host, errorMessage(cause));
    }
    const { stdout, stderr } = result;
    const interfaces = stdout.startsWith(TITLE) ? interfacesOf(stdout) : undefined;
    const others = interfaces?.filter((name) => name !== "lo") ?? [];
    if (interfaces?.length === 0 || others.length > 0) {
      const seen = others.length === 0 ? "no loopback" : others.join(", ");
      return error(`a worker with network: none has ${seen}, want loopback alone`, USE_BUBBLEWRAP);
    }
    // Where the server is refused at once, the program may not have come to print anything.
    if (reach?.kind === "refused") {
      const message = `the server does not reach a worker with network: none: ${reach.reason}`;
      return error(message, BE_ALLOWED);
    }
    if (interfaces === undefined) {
      return notKnown("which interfaces a worker with network: none has", said(stderr));
    }
    if (reach?.kind !== "reached") {
      const reason = [reach?.reason ?? [], said(stderr)].flat().join("; ");
      return notKnown("whether the server reaches a worker with network: none", reason);
    }
    return ok("a worker with network: none has loopback alone, and the server reaches it");
  },
};

const USE_BUBBLEWRAP = advice("Set process.bwrap_path to an unchanged bubblewrap");

const BE_ALLOWED = advice(
  "Run the server with CAP_SYS_PTRACE and CAP_DAC_OVERRIDE, as blockyard systemd-unit has it, or set " +
    "network: host",
);

/** What came of reaching for a file in a worker's sandbox. */
type Reach =
  | { readonly kind: "reached" }
  /** It is there, or may be, and the server may not. */
  | { readonly kind: "refused"; readonly reason: string }
  /** It never was there. */
  | { readonly kind: "missing"; readonly reason: string };

/** Does to a file what connecting does to a socket: it is looked up and written to. */
async function reachFor({ roots }: PreflightHost, { initPid }: RunningTrial): Promise<Reach> {
  const path = `${roots.proc}/${initPid}/root${SOCKET_PATH}`;
  const startMs = performance.now();
  for (;;) {
    try {
      (await Deno.open(path, { write: true })).close();
      return { kind: "reached" };
    } catch (cause) {
      const reason = errorMessage(cause);
      if (!(cause instanceof Deno.errors.NotFound)) return { kind: "refused", reason };
      if (performance.now() - startMs > PATIENCE_MS) return { kind: "missing", reason };
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function said(stderr: string): string {
  return `its program said ${JSON.stringify(stderr.trim().slice(-300))}`;
}

function notKnown(what: string, reason: string): Finding {
  return warning(`${what} could not be found out: ${reason}`, LOOK_AGAIN);
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
