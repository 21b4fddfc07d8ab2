import type { Check } from "./check.ts";
import { type Finding, ok } from "./finding.ts";
import { readKernelPortSettings } from "./kernel_port_settings.ts";
import { networksInUse } from "./networks_in_use.ts";
import { lookAt } from "./not_found_out.ts";
import { counted, countNumbers, isIn, type NumberRange, rangeText } from "./number_ranges.ts";
import { holderFindings, otherPorts, settingFindings } from "./port_findings.ts";
import { findPortHolders } from "./port_holders.ts";
import { serviceFindings, servicesInRange } from "./services_in_range.ts";

const ALL_PORTS: NumberRange = { start: 1, end: 65535 };

/** Whether workers get the ports that are meant for them. */
export const portRange: Check = {
  name: "port_range",
  category: "resources",
  async run({ config, identity, roots, findProgram }) {
    if (!networksInUse(config).has("host")) {
      return ok("every worker has network: none, and no port");
    }
    const { process, proxy, server } = config;
    const range = { start: process.portRangeStart, end: process.portRangeEnd };
    const size = countNumbers([range]);
    const [settings, listening, services, sysctl] = await Promise.all([
      lookAt("what the kernel gives ports to", () => readKernelPortSettings(roots)),
      lookAt("which ports are in use", () => findPortHolders(ALL_PORTS, roots)),
      servicesInRange(config, { range, ownAddresses: ownAddresses() }),
      findProgram("sysctl"),
    ]);
    const isKnown = "seen" in settings && "seen" in listening;
    const elsewhere = otherPorts(
      size,
      isKnown
        ? [
          range,
          settings.seen.ephemeral,
          { start: 1, end: settings.seen.unprivilegedStart - 1 },
          ...[server.bind, ...services, ...listening.seen].map(onePort),
        ]
        : undefined,
    );

    const findings: Finding[] = "seen" in settings
      ? settingFindings(range, settings.seen, { hasSysctl: sysctl !== undefined })
      : [settings.unknown];
    findings.push(
      ..."seen" in listening
        ? holderFindings(range, {
          holders: listening.seen.filter(({ port }) => isIn(port, range)),
          taken: services.filter(({ place }) => place === "here").map(({ port }) => port),
          workerUids: { start: process.workerUidRangeStart, end: process.workerUidRangeEnd },
          identity,
          maxWorkers: proxy.maxWorkers,
          elsewhere,
        })
        : [listening.unknown],
      ...services.flatMap((service) => serviceFindings(service, elsewhere)),
    );
    return findings.length > 0 ? findings : ok(
      `${counted(size, "port")} from ${rangeText(range)} for ` +
        `${counted(proxy.maxWorkers, "worker")}, and nothing else of the host uses them`,
    );
  },
};

function ownAddresses(): string[] {
  return Deno.networkInterfaces().map(({ address }) => address);
}

function onePort({ port }: { port: number }): NumberRange {
  return { start: port, end: port };
}
