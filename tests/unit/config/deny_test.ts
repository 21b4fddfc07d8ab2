import type { DenyTarget } from "#src/config/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { inSection, load, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };

const range = (
  family: 4 | 6,
  address: string,
  prefix: number,
  port?: number,
): DenyTarget => ({ kind: "range", range: { family, address, prefix }, port });

const ACCEPTED: readonly [text: string, target: DenyTarget][] = [
  ["192.0.2.7", range(4, "192.0.2.7", 32)],
  ["10.1.2.3/8", range(4, "10.0.0.0", 8)],
  ["0.0.0.0/0", range(4, "0.0.0.0", 0)],
  ["FD00:0:0::0001", range(6, "fd00::1", 128)],
  ["fd00::1/8", range(6, "fd00::", 8)],
  // Without brackets, all of it is the address.
  ["::1:8080", range(6, "::1:8080", 128)],
  ["::ffff:192.0.2.7", range(4, "192.0.2.7", 32)],
  ["192.0.2.7:443", range(4, "192.0.2.7", 32, 443)],
  ["[fd00::1]:443", range(6, "fd00::1", 128, 443)],
  ["db.internal:5432", { kind: "name", hostname: "db.internal", port: 5432 }],
  ["localhost:65535", { kind: "name", hostname: "localhost", port: 65535 }],
];
for (const [text, target] of ACCEPTED) {
  Deno.test(`firewall.deny takes ${text}`, SANE, () => {
    const config = load(inSection("firewall", `deny: [${JSON.stringify(text)}]`));
    assertEquals<unknown>(config.firewall, { mode: "off", deny: [target] });
  });
}

const WANTED =
  "want an address or a CIDR such as 10.0.0.0/8 or fd00::1, or one port as host:port " +
  "such as db.internal:5432, 192.0.2.7:443 or [fd00::1]:443";
const REFUSED = [
  ["a name without a port", "db.internal"],
  ["a port alone", ":5432"],
  ["port 0", "db.internal:0"],
  ["a port above 65535", "192.0.2.7:65536"],
  ["a range with a port", "10.0.0.0/8:443"],
  ["a prefix that is too long", "10.0.0.0/33"],
  ["an address with a leading zero", "10.0.0.01"],
  ["a short address", "127.1:80"],
  ["a zone", "fe80::1%eth0"],
  ["brackets around IPv4", "[192.0.2.7]:443"],
  ["brackets without a port", "[fd00::1]"],
  ["a URL", "https://db.internal:5432"],
  ["nothing", ""],
  ["what would end a rule", "10.0.0.1; flush ruleset"],
] as const;
for (const [what, text] of REFUSED) {
  Deno.test(`firewall.deny refuses ${what}`, SANE, () => {
    const shown = JSON.stringify(text);
    assertEquals(problemsOf(inSection("firewall", `deny: [192.0.2.1, ${shown}]`)), [
      `/etc/c.yaml:2:21 firewall.deny[1]: cannot keep workers from ${shown}: ${WANTED}`,
    ]);
  });
}

const OTHERS: readonly [what: string, lines: string, problem: string][] = [
  ["an unknown mode", "mode: on", '2:9 firewall.mode: "on" is not known, want one of off, managed'],
  [
    "a text as deny",
    "deny: 10.0.0.0/8",
    '2:9 firewall.deny: "10.0.0.0/8" is text, want a list of at most 500 addresses, CIDRs and ' +
    "host:port",
  ],
  [
    "more than it can look through",
    `deny: [${Array(501).fill("192.0.2.7").join(", ")}]`,
    "2:9 firewall.deny: is too long, want a list of at most 500 addresses, CIDRs and host:port",
  ],
];
for (const [what, lines, problem] of OTHERS) {
  Deno.test(`firewall refuses ${what}`, SANE, () => {
    assertEquals(problemsOf(inSection("firewall", lines)), [`/etc/c.yaml:${problem}`]);
  });
}
