import type { Config } from "#src/config/mod.ts";
import { errorMessage } from "#src/core/mod.ts";
import { targetText } from "#src/probe/mod.ts";
import { type Finding, type Fix, warning } from "./finding.ts";
import { LOOK_AGAIN } from "./not_found_out.ts";
import { isIn, type NumberRange } from "./number_ranges.ts";
import { configuredServices, locateService, type Service, SERVICE_NAMES } from "./services.ts";

/** A service whose port lies in a range. */
export interface ServiceInRange {
  /** Its port. */
  readonly port: number;
  /** The service and where it is: `Redis at 127.0.0.1:6379`. */
  readonly text: string;
  /** Whether it is on this host, or why that could not be found out. */
  readonly place: "here" | "elsewhere" | { readonly unknown: string };
}

/**
 * Finds the configured services whose ports lie in a range, whether or not they run.
 *
 * @param config What is to run.
 * @param options `range` are the ports; `ownAddresses` those of this host besides loopback's.
 * @returns The services.
 */
export async function servicesInRange(
  config: Config,
  { range, ownAddresses }: { range: NumberRange; ownAddresses: readonly string[] },
): Promise<ServiceInRange[]> {
  const found = configuredServices(config).map(async (service) => {
    const { target, kind } = service;
    if (target.kind === "unix" || !isIn(target.port, range)) return [];
    const text = `${SERVICE_NAMES[kind]} at ${targetText(target)}`;
    return [{ port: target.port, text, place: await placeOf(service, ownAddresses) }];
  });
  return (await Promise.all(found)).flat();
}

/**
 * Says what is the matter with a service whose port lies among those of workers.
 *
 * @param service The service.
 * @param elsewhere How to choose other ports for workers.
 * @returns A warning; nothing when the service is on another host.
 */
export function serviceFindings(
  { text, place }: ServiceInRange,
  elsewhere: Fix,
): readonly Finding[] {
  if (place === "elsewhere") return [];
  if (place === "here") {
    return [warning(
      `the port of ${text} is one of the workers': while nothing listens on it, a worker can be ` +
        "given it and answer in its place",
      elsewhere,
    )];
  }
  return [warning(
    `the port of ${text} is one of the workers', and whether it is on this host could not be found ` +
      `out: ${place.unknown}`,
    LOOK_AGAIN,
  )];
}

async function placeOf(
  service: Service,
  ownAddresses: readonly string[],
): Promise<ServiceInRange["place"]> {
  try {
    const { targets } = await locateService(service);
    const isHere = targets.some((target) =>
      target.kind === "tcp" && isOwnAddress(target.hostname, ownAddresses)
    );
    return isHere ? "here" : "elsewhere";
  } catch (cause) {
    return { unknown: errorMessage(cause) };
  }
}

/** All of 127.0.0.0/8 is loopback, whatever its interface lists (RFC 1122, 3.2.1.3). */
function isOwnAddress(address: string, ownAddresses: readonly string[]): boolean {
  return /^(?:::ffff:)?127\./.test(address) || address === "::1" || ownAddresses.includes(address);
}
