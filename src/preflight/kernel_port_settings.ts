import type { HostRoots } from "./host.ts";
import { type NumberRange, parseRangeList } from "./number_ranges.ts";
import { readSysctl } from "./sysctl.ts";

/** The ports from which the kernel serves those who ask for any. */
export const EPHEMERAL_PORTS = "net.ipv4.ip_local_port_range";
/** The ports that it leaves out of these. */
export const RESERVED_PORTS = "net.ipv4.ip_local_reserved_ports";
/** The first port that everybody may bind. */
export const UNPRIVILEGED_START = "net.ipv4.ip_unprivileged_port_start";

/** The first one where the kernel has no setting for it: PROT_SOCK of its include/net/sock.h. */
const DEFAULT_UNPRIVILEGED_START = 1024;

/** How the kernel shares out ports, of TCP over IPv4 and IPv6 alike. */
export interface KernelPortSettings {
  /** The ports of connections whose programs chose none. */
  readonly ephemeral: NumberRange;
  /** Those that only programs get that ask for them. */
  readonly reserved: readonly NumberRange[];
  /** The first port that takes no privilege to bind. */
  readonly unprivilegedStart: number;
}

/**
 * Reads how the kernel shares out the ports of this network namespace (ip(7), the kernel's
 * Documentation/networking/ip-sysctl.rst).
 *
 * @param roots Where the system keeps its settings.
 * @returns The settings.
 * @throws {SyntaxError} When one has another form than it should.
 * @throws {Error} When one cannot be read.
 */
export async function readKernelPortSettings(roots: HostRoots): Promise<KernelPortSettings> {
  const start = await readSysctl(roots, UNPRIVILEGED_START);
  return {
    ephemeral: parsePortRange(await readRequired(roots, EPHEMERAL_PORTS)),
    reserved: parseReserved(await readRequired(roots, RESERVED_PORTS)),
    unprivilegedStart: start === undefined ? DEFAULT_UNPRIVILEGED_START : parseStart(start),
  };
}

function parsePortRange(text: string): NumberRange {
  const match = /^(\d+)\s+(\d+)$/.exec(text);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || start > end) {
    throw malformed(EPHEMERAL_PORTS, text, "two ascending numbers");
  }
  return { start, end };
}

function parseReserved(text: string): NumberRange[] {
  try {
    return parseRangeList(text);
  } catch (cause) {
    throw new SyntaxError(`cannot use the value of ${RESERVED_PORTS}`, { cause });
  }
}

function parseStart(text: string): number {
  if (!/^\d+$/.test(text)) throw malformed(UNPRIVILEGED_START, text, "a number");
  return Number(text);
}

async function readRequired(roots: HostRoots, name: string): Promise<string> {
  const text = await readSysctl(roots, name);
  if (text === undefined) throw new Error(`this kernel has no setting ${name}`);
  return text;
}

function malformed(name: string, text: string, want: string): SyntaxError {
  return new SyntaxError(
    `cannot parse ${JSON.stringify(text.slice(0, 200))} of ${name}: want ${want}`,
  );
}
