/**
 * A host in a network namespace of its own, and what is outside of it in another one, connected by a
 * cable. Both answer at some ports of all their addresses.
 *
 * @module
 */
import { assertEquals } from "./assert.ts";
import { NetworkNamespace } from "./network_namespace.ts";

/** What tests with these need of the machine. */
export const PEER_PROGRAMS: readonly string[] = [
  "/usr/bin/nsenter",
  "/usr/bin/perl",
  "/usr/bin/setpriv",
  "/usr/bin/unshare",
  "/usr/sbin/ip",
  "/usr/sbin/nft",
];

/** The port that everybody answers at. */
export const PORT = 8001;

/** The host's addresses besides loopback. */
export const OWN = ["10.77.0.1", "fd77::1"] as const;

/** What came of trying to reach something. */
export type Reached = "answered" | "refused" | "timeout" | `error ${string}`;

const script = (name: string) =>
  decodeURIComponent(new URL(`../testdata/firewall/${name}`, import.meta.url).pathname);

/** The two of them. */
export class FirewallPeers implements AsyncDisposable {
  private constructor(
    /** The host. */
    readonly host: NetworkNamespace,
    /** What is outside. */
    readonly outside: NetworkNamespace,
  ) {}

  /**
   * Makes them.
   *
   * @param options `addresses` are those outside, all of which the host has a route to; `ports` are
   * answered at on both sides, besides {@linkcode PORT}.
   * @returns The two, connected.
   */
  static async create(
    { addresses, ports = [] }: { addresses: readonly string[]; ports?: readonly number[] },
  ): Promise<FirewallPeers> {
    const host = await NetworkNamespace.create();
    const outside = await NetworkNamespace.create();
    const peers = new FirewallPeers(host, outside);
    try {
      await peers.#connect(addresses);
      const listen = [
        "setpriv",
        "--pdeathsig=KILL",
        "perl",
        script("listen.pl"),
        ...[PORT, ...ports].map(String),
      ];
      await Promise.all([host.start(listen), outside.start(listen)]);
      return peers;
    } catch (error) {
      await peers[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #connect(addresses: readonly string[]): Promise<void> {
    const { host, outside } = this;
    const [four, six] = OWN;
    await host.must(
      `ip link add host0 type veth peer name outside0 netns ${outside.pid}`,
      `ip addr add ${four}/24 dev host0`,
      `ip addr add ${six}/64 dev host0 nodad`,
      "ip link set host0 up",
    );
    await outside.must(
      "ip addr add 10.77.0.2/24 dev outside0",
      "ip addr add fd77::2/64 dev outside0 nodad",
      ...addresses.map((address) =>
        `ip addr add ${address} dev outside0${address.includes(":") ? " nodad" : ""}`
      ),
      "ip link set outside0 up",
    );
    await host.must("ip route add default via 10.77.0.2", "ip -6 route add default via fd77::2");
  }

  /**
   * Tries to reach targets from the host.
   *
   * @param targets Each as `PROTOCOL,ADDRESS,PORT`, with the protocols that `reach.pl` knows.
   * @param options `uid` is who tries, root if not given; `within` is a command that executes what
   * its last arguments say.
   * @returns What came of each.
   */
  async reach(
    targets: readonly string[],
    { uid = 0, within = [] }: { uid?: number; within?: readonly string[] } = {},
  ): Promise<Record<string, Reached>> {
    const { code, stdout, stderr } = await this.host.run([
      ...within,
      ...asUser(uid),
      ...["perl", script("reach.pl"), ...targets],
    ]);
    assertEquals([code, stderr], [0, ""]);
    const found = stdout.trimEnd().split("\n").map((line) => {
      const end = line.indexOf(" ");
      return [line.slice(0, end), line.slice(end + 1)] as const;
    });
    return Object.fromEntries(found) as Record<string, Reached>;
  }

  /**
   * Tries to reach one target again and again.
   *
   * @param target As for {@linkcode FirewallPeers.reach}.
   * @param options `uid` is who tries, `times` how often.
   * @returns How often what came of it.
   */
  async tryOften(
    target: string,
    { uid, times }: { uid: number; times: number },
  ): Promise<Partial<Record<Reached, number>>> {
    const targets = Array<string>(times).fill(target);
    const command = [...asUser(uid), "perl", script("reach.pl"), ...targets];
    const { code, stdout, stderr } = await this.host.run(command);
    assertEquals([code, stderr], [0, ""]);
    const count: Record<string, number> = {};
    for (const line of stdout.trimEnd().split("\n")) {
      const reached = line.slice(line.indexOf(" ") + 1);
      count[reached] = (count[reached] ?? 0) + 1;
    }
    return count;
  }

  /**
   * Answers at one more port of the host.
   *
   * @param port The port.
   * @param uid Who answers.
   */
  async answer(port: number, uid: number): Promise<void> {
    await this.host.start([...asUser(uid), "perl", script("listen.pl"), String(port)]);
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.host, this.outside].map((it) => it[Symbol.asyncDispose]()));
  }
}

function asUser(uid: number): string[] {
  return ["setpriv", "--pdeathsig=KILL", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
}
