/**
 * What is said about the ports of workers, as functions of what was seen.
 *
 * @module
 */
import type { ServerIdentity } from "#src/sandbox/mod.ts";
import { advice, command, error, type Finding, type Fix, warning } from "./finding.ts";
import {
  EPHEMERAL_PORTS,
  type KernelPortSettings,
  RESERVED_PORTS,
  UNPRIVILEGED_START,
} from "./kernel_port_settings.ts";
import {
  counted,
  countNumbers,
  formatRangeList,
  isIn,
  mergeRanges,
  type NumberRange,
  overlaps,
  rangeText,
  subtractRanges,
} from "./number_ranges.ts";
import type { PortHolder } from "./port_holders.ts";
import { sysctlCommand } from "./sysctl.ts";

/** How many holders of ports a message names. */
const NAMED_HOLDERS = 5;
/** The kernel takes no more than a page of a setting's value at once. */
const MAX_VALUE_LENGTH = 4000;

/**
 * Holds the ports of workers against the kernel's settings.
 *
 * @param range The ports.
 * @param settings The settings.
 * @param options `hasSysctl` tells whether sysctl(8) is there to be named in a fix.
 * @returns What is the matter, each with the command that repairs it.
 */
export function settingFindings(
  range: NumberRange,
  { ephemeral, reserved, unprivilegedStart }: KernelPortSettings,
  { hasSysctl }: { hasSysctl: boolean },
): Finding[] {
  const findings: Finding[] = [];
  if (unprivilegedStart > range.start) {
    const end = Math.min(range.end, unprivilegedStart - 1);
    findings.push(error(
      `workers cannot bind ${portsText([{ start: range.start, end }])}, because ` +
        `${UNPRIVILEGED_START} is ${unprivilegedStart}`,
      command(sysctlCommand(UNPRIVILEGED_START, range.start, { hasSysctl })),
    ));
  }
  const exposed = overlaps(range, [ephemeral]).flatMap((part) => subtractRanges(part, reserved));
  if (exposed.length > 0) {
    // What others have reserved stays so: the setting is written as a whole.
    const list = formatRangeList(mergeRanges([...reserved, range]));
    findings.push(warning(
      `connections of the host can take ${portsText(exposed)} from workers, because ` +
        `${EPHEMERAL_PORTS} is ${rangeText(ephemeral)}`,
      list.length <= MAX_VALUE_LENGTH
        ? command(sysctlCommand(RESERVED_PORTS, list, { hasSysctl }))
        : advice(`Add ${formatRangeList([range])} to ${RESERVED_PORTS}`),
    ));
  }
  return findings;
}

/**
 * Judges who listens on the ports of workers, and whether enough are left.
 *
 * @param range The ports.
 * @param options `holders` listen on them; `taken` are ports that services are configured for;
 * `workerUids` are whom workers run under; `identity` is the server; `maxWorkers` is how many ports
 * are needed; `elsewhere` says how to choose others.
 * @returns What is the matter.
 */
export function holderFindings(
  range: NumberRange,
  { holders, taken, workerUids, identity, maxWorkers, elsewhere }: {
    holders: readonly PortHolder[];
    taken: readonly number[];
    workerUids: NumberRange;
    identity: ServerIdentity;
    maxWorkers: number;
    elsewhere: Fix;
  },
): Finding[] {
  // What is there of a configured service is said where that is spoken of.
  const unexpected = holders.filter(({ port, uid }) =>
    !taken.includes(port) && !(identity.isRoot && isIn(uid, workerUids))
  );
  // Without root these may be workers of a server that runs.
  const foreign = unexpected.filter(({ uid }) => identity.isRoot || uid !== identity.uid);
  const findings: Finding[] = [];
  if (unexpected.length > 0) {
    const named = unexpected.slice(0, NAMED_HOLDERS).map(({ port, uid }) => `${port} (uid ${uid})`);
    const more = unexpected.length - named.length;
    const list = named.join(", ") + (more > 0 ? ` and ${more} more` : "");
    const ports = new Set(unexpected.map(({ port }) => port)).size;
    findings.push(warning(
      `${counted(ports, "port")} of the workers' ${isAre(ports)} in use` +
        `${identity.isRoot ? " by others" : ""} and will be passed over: ${list}`,
      elsewhere,
    ));
  }
  const lost = new Set([...foreign.map(({ port }) => port), ...taken]);
  const size = countNumbers([range]);
  if (size - lost.size < maxWorkers) {
    findings.push(error(
      `${size - lost.size} of the ${counted(size, "port")} from ${rangeText(range)} are left for ` +
        `${counted(maxWorkers, "worker")}, because others use the rest`,
      elsewhere,
    ));
  }
  return findings;
}

/**
 * Says how to choose other ports, and names some.
 *
 * @param size How many are needed.
 * @param taken Ports that are of no use; undefined when these are not known.
 * @returns The advice.
 */
export function otherPorts(size: number, taken: readonly NumberRange[] | undefined): Fix {
  const text =
    "Set process.port_range_start and process.port_range_end to ports that nothing else " +
    "uses";
  const found = taken && STARTS.map((start) => ({ start, end: start + size - 1 }))
    .find((range) => range.end <= 65535 && overlaps(range, taken).length === 0);
  return advice(found === undefined ? text : `${text}, such as ${rangeText(found)}`);
}

/** Round numbers, the usual ones first. */
const STARTS = [...thousands(10, 65), ...thousands(2, 9)];

function thousands(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * 1000);
}

function portsText(ranges: readonly NumberRange[]): string {
  const count = countNumbers(ranges);
  return `${counted(count, "port")} (${ranges.map(rangeText).join(", ")})`;
}

function isAre(count: number): string {
  return count === 1 ? "is" : "are";
}
