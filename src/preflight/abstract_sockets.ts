import { errorMessage } from "#src/core/mod.ts";
import type { ProbeResult } from "#src/probe/mod.ts";
import type { LandlockSupport } from "#src/sandbox/mod.ts";
import type { Check } from "./check.ts";
import { probeFromSandbox } from "./egress_probe.ts";
import { advice, error, type Finding, ok, warning } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";

/**
 * Whether workers reach the abstract unix sockets of the host: those have no permissions, so that on
 * the host's network nothing but Landlock keeps a worker from them, unix(7).
 */
export const abstractSockets: Check = {
  name: "abstract_sockets",
  category: "network",
  async run(host) {
    try {
      const result = await connectFromSandbox(host);
      return judgeAbstractSockets(result, await host.sandboxes.landlock());
    } catch (cause) {
      return notKnown(errorMessage(cause));
    }
  },
};

/** Tries it with a socket that is there, as nothing else would say anything. */
async function connectFromSandbox(host: PreflightHost): Promise<ProbeResult | undefined> {
  const path = `\0blockyard-preflight-${crypto.randomUUID()}`;
  using _listener = Deno.listen({ transport: "unix", path });
  const target = { kind: "unix", path } as const;
  const outcomes = await probeFromSandbox(host, [target]);
  return [...outcomes.values()][0]?.result;
}

/**
 * Judges what a probe in a sandbox met.
 *
 * @param result How its attempt to connect to an abstract socket of the host ended; undefined when
 * it did not say.
 * @param landlock Whether Landlock holds sandboxes.
 * @returns The finding.
 */
export function judgeAbstractSockets(
  result: ProbeResult | undefined,
  landlock: LandlockSupport,
): Finding {
  if (result === "refused") return ok("a worker reaches no abstract unix socket of the host");
  if (result !== "connected") return notKnown(`the probe says ${result ?? "nothing"}`);
  if (landlock.kind === "scoped") {
    return error(
      "a worker reaches abstract unix sockets of the host, although Landlock holds it",
      advice("Report this: a sandbox does not hold what it should"),
    );
  }
  return warning(
    `a worker reaches abstract unix sockets of the host: ${landlock.reason}`,
    advice(
      "Run Linux 6.12 or newer with Landlock among its security modules (lsm= of the kernel's " +
        "command line) and a bwrap without set-id bits, or see that nothing on the host that " +
        "listens there trusts whoever connects",
    ),
  );
}

function notKnown(reason: string): Finding {
  return warning(
    `whether workers reach abstract unix sockets could not be found out: ${reason}`,
    LOOK_AGAIN,
  );
}
