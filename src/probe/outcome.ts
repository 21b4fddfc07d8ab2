import { type ProbeTarget, targetText } from "./target.ts";

/** How an attempt to connect can end. */
export const PROBE_RESULTS = ["connected", "refused", "timeout", "unreachable", "error"] as const;

/** One of {@linkcode PROBE_RESULTS}: `error` says nothing about the target. */
export type ProbeResult = (typeof PROBE_RESULTS)[number];

/** How the attempt to connect to one target ended; a line of the probe's output. */
export interface ProbeOutcome {
  /** The target as {@linkcode targetText} writes it. */
  readonly target: string;
  /** How it ended. */
  readonly result: ProbeResult;
  /** What the system said, for anything but `connected` and `timeout`. */
  readonly message?: string;
}

/**
 * Connects to targets, all at once, sends nothing and hangs up.
 *
 * @param targets The targets.
 * @param options `timeoutMs` is how long each may take, in milliseconds.
 * @returns An outcome for each target, in their order.
 */
export function probeTargets(
  targets: readonly ProbeTarget[],
  { timeoutMs }: { timeoutMs: number },
): Promise<ProbeOutcome[]> {
  return Promise.all(targets.map((target) => probeTarget(target, timeoutMs)));
}

async function probeTarget(target: ProbeTarget, timeoutMs: number): Promise<ProbeOutcome> {
  const text = targetText(target);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    const connection = target.kind === "tcp"
      ? await connectTcp(target, late.signal)
      : await Deno.connect({ transport: "unix", path: target.path });
    connection.close();
    return { target: text, result: "connected" };
  } catch (error) {
    if (late.signal.aborted) return { target: text, result: "timeout" };
    const message = error instanceof Error ? error.message : String(error);
    return { target: text, result: resultOf(error, target), message };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a TCP connection. Name resolution does not listen to a signal, so that it is left behind when
 * it takes too long.
 *
 * @param target Where to: a host name or an address, and a port.
 * @param signal Gives up.
 * @returns The connection.
 * @throws {Error} When there is none, or it was given up.
 */
export async function connectTcp(
  { hostname, port }: { hostname: string; port: number },
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const connecting = Deno.connect({ hostname, port, signal });
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (error) {
    connecting.then((connection) => connection.close(), () => undefined);
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Tells what an error of connect(2) says. Rules that reject can answer in any of these ways: with a
 * reset, with one of the codes of ICMP, and a security module with "permission denied".
 */
function resultOf(error: unknown, target: ProbeTarget): ProbeResult {
  if (error instanceof Deno.errors.ConnectionRefused) return "refused";
  if (error instanceof Deno.errors.PermissionDenied) return "refused";
  if (error instanceof Deno.errors.ConnectionReset) return "refused";
  if (error instanceof Deno.errors.TimedOut) return "timeout";
  if (error instanceof Deno.errors.NotFound) return "unreachable";
  if (error instanceof Deno.errors.NetworkUnreachable) return "unreachable";
  // Over IPv6 there is no address to connect from; over IPv4 there is no port left, ip(7).
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return isIpv6(target) ? "unreachable" : "error";
  }
  if (error instanceof Error && "code" in error) {
    if (error.code === "EHOSTUNREACH" || error.code === "ENETUNREACH") return "unreachable";
    if (error.code === "EAFNOSUPPORT") return "unreachable";
    if (error.code === "EINVAL" && isGlobalAddress(target)) return "unreachable";
  }
  return "error";
}

function isIpv6(target: ProbeTarget): boolean {
  return target.kind === "tcp" && target.hostname.includes(":");
}

/**
 * For an address that needs no zone, EINVAL is what a route of the kind "blackhole" answers,
 * ip-route(8).
 */
function isGlobalAddress(target: ProbeTarget): boolean {
  return target.kind === "tcp" &&
    /^(?:[\d.]+|(?!fe[89ab])[\da-f.]*:[\da-f:.]*)$/i.test(target.hostname);
}
