/**
 * A host that is connected to what is outside of it: the internet with services that workers have no
 * business with, and cloud metadata. Addresses are those of documentation (RFC 5737, RFC 3849) where
 * no other is meant.
 *
 * @module
 */
import { NetworkNamespace } from "#tests/support/network_namespace.ts";
import { until } from "#tests/support/until.ts";

/** What the server is configured with, and workers are to be kept from. */
export const SERVICES = {
  redis: "redis://203.0.113.81:6379",
  database: "postgresql://blockyard@203.0.113.82:5432/blockyard",
  deny: "203.0.113.83/32",
} as const;

/** Where somebody answers outside: metadata, the internet, Redis, the database, what is denied. */
const OUTSIDE = [
  ...["169.254.169.254 80", "fd00:ec2::254 80", "203.0.113.80 80", "2001:db8:1::80 80"],
  ...["203.0.113.81 6379", "203.0.113.82 5432", "203.0.113.83 80"],
];

/** The host and its outside. */
export class HostNetwork implements AsyncDisposable {
  private constructor(
    /** Where the server and its workers are. */
    readonly host: NetworkNamespace,
    /** Everything else. */
    readonly outside: NetworkNamespace,
  ) {}

  /**
   * Makes both, and lets somebody answer wherever nobody may come.
   *
   * @param victim The program that answers.
   * @returns The two, connected.
   */
  static async create(victim: string): Promise<HostNetwork> {
    await using made = new AsyncDisposableStack();
    const host = made.use(await NetworkNamespace.create());
    const outside = made.use(await NetworkNamespace.create());
    await connect(host, outside);
    await outside.start([victim, "outside", ...OUTSIDE.flatMap((it) => it.split(" "))]);
    await host.start([victim, "name_server", "127.0.0.53", "53"]);
    // The first packet asks who has the address of the gateway.
    for (const it of OUTSIDE) {
      const [address, port] = it.split(" ");
      const script = `exec 3<>/dev/tcp/${address}/${port}`;
      await until(async () => (await host.run(["bash", "-c", script])).code === 0, {
        what: `${it} answers`,
      });
    }
    made.move();
    return new HostNetwork(host, outside);
  }

  /** Ends both. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.outside[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
  }
}

async function connect(host: NetworkNamespace, outside: NetworkNamespace): Promise<void> {
  await host.must(
    `ip link add host0 type veth peer name outside0 netns ${outside.pid}`,
    "ip addr add 192.0.2.1/24 dev host0",
    "ip addr add 2001:db8::1/64 dev host0 nodad",
    "ip link set host0 up",
  );
  const addresses = ["192.0.2.2/24", "2001:db8::2/64", ...OUTSIDE.map((it) => it.split(" ")[0])];
  await outside.must(
    ...addresses.map((it) => `ip addr add ${it} dev outside0${it?.includes(":") ? " nodad" : ""}`),
    "ip link set outside0 up",
  );
  await host.must("ip route add default via 192.0.2.2", "ip -6 route add default via 2001:db8::2");
}
