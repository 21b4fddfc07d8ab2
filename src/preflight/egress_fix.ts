import { errorMessage } from "#src/core/mod.ts";
import { type EgressRule, egressScript } from "./egress_rules.ts";
import { advice, command, type Fix } from "./finding.ts";
import type { PreflightHost } from "./host.ts";
import { shellQuote } from "./shell_quote.ts";

/** How long nft may take to look at rules, in milliseconds. */
const NFT_TIMEOUT_MS = 5000;

/**
 * Says how workers are kept from something, as far as this process and the kernel let rules be set.
 *
 * @param host The host.
 * @param rules What does.
 * @returns A command that was looked at by nft and the kernel, or else words.
 */
export async function keepingOut(
  host: PreflightHost,
  rules: readonly EgressRule[],
): Promise<Fix> {
  if (!host.identity.isRoot) {
    return advice(
      "Set network: none for apps that need no network, have an administrator set the rules that " +
        '"blockyard firewall show" prints for cgroups, or run the server as root with ' +
        "firewall.mode: managed",
    );
  }
  const { workerUidRangeStart: start, workerUidRangeEnd: end } = host.config.process;
  const script = egressScript(rules, { start, end });
  const line = `nft ${shellQuote(script)}`;
  const nft = await host.findProgram("nft");
  if (nft === undefined) {
    return advice(
      `Install nftables, which brings nft, and set firewall.mode: managed, or run the command ${line}`,
    );
  }
  const refusal = await refusalOf(host, [nft, "-c", script]);
  if (refusal === undefined) return command(line);
  return advice(
    `Let workers do without a network (process.network: none), or run ${line} where the kernel ` +
      `takes these rules, which it does not do here: ${refusal}`,
  );
}

/** In a container for instance, root may not set any. */
async function refusalOf(
  host: PreflightHost,
  check: readonly string[],
): Promise<string | undefined> {
  try {
    const { code, stdout, stderr } = await host.runProgram(check, { timeoutMs: NFT_TIMEOUT_MS });
    if (code === 0) return undefined;
    const [said = ""] = (stderr.trim() || stdout.trim()).split("\n");
    return `nft ended with code ${code}${said === "" ? "" : ` and said ${said}`}`;
  } catch (error) {
    return errorMessage(error);
  }
}
