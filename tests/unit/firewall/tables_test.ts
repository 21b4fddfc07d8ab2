import {
  handTable,
  isServerTable,
  Nft,
  type NftResult,
  ownerComment,
  parseNameServers,
  readOwner,
  removeOrphanTables,
  serverTable,
  type TableOwner,
} from "#src/firewall/mod.ts";
import { ipRangeText } from "#src/core/mod.ts";
import { assert, assertEquals, assertNotEquals, assertRejects } from "#tests/support/assert.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const UIDS = { kind: "uids", start: 1000, end: 1999 } as const;
const OWNER = {
  pid: 4_194_304,
  startedAt: "0d5a62a6-8a7c-4f7e-9d2c-000000000000:4026531836:123456789012",
};

Deno.test("tables of servers, by hand and of other uids have different names", SANE, () => {
  const own = serverTable(UIDS, "01234567-89ab-cdef-0123-456789abcdef");
  assertEquals(own, "blockyard_uids_1000_1999_01234567");
  assertEquals(isServerTable(own), true);
  assertEquals(isServerTable(own, UIDS), true);
  assertEquals(isServerTable(own, { ...UIDS, end: 2000 }), false);
  assertEquals(isServerTable(handTable(UIDS)), false);
  assertEquals(isServerTable("blockyard_egress"), false);
  const group = { kind: "group", level: 2, path: "a/workers" } as const;
  assertNotEquals(handTable(group), handTable({ ...group, path: "b/workers" }));
});

Deno.test("whose a table is fits a comment and is read back", SANE, () => {
  const comment = ownerComment(OWNER);
  // NFTNL_UDATA_COMMENT_MAXLEN of libnftnl, the byte at the end included.
  assert(comment.length < 128, comment);
  assertEquals(readOwner(`\t\tmeta skuid 7 goto workers comment "${comment}"\n`), OWNER);
  assertEquals(readOwner("table inet t {\n}\n"), undefined);
});

const RESOLV: readonly [what: string, text: string, servers: string[]][] = [
  ["nothing", "", ["127.0.0.1"]],
  ["no name server", "search a.example\n# nameserver 192.0.2.1\n", ["127.0.0.1"]],
  ["several", "nameserver 127.0.0.53\nnameserver\t::1 # local\n", ["127.0.0.53", "::1"]],
  ["a zone", "nameserver fe80::1%eth0\n", ["fe80::1"]],
  ["any address", "nameserver 0.0.0.0\nnameserver ::\n", ["127.0.0.1", "::1"]],
  ["what is none", "nameserver 10.0.0.0/8\nnameserver x\nnameserver 192.0.2.1;\n", ["192.0.2.1"]],
  ["IPv4 as IPv6", "nameserver ::ffff:127.0.0.1\n", ["127.0.0.1"]],
];
for (const [what, text, servers] of RESOLV) {
  Deno.test(`name servers are read where resolv.conf has ${what}`, SANE, () => {
    assertEquals(parseNameServers(text).map(ipRangeText), servers);
  });
}

const result = (code: number, stdout = "", stderr = ""): NftResult => ({ code, stdout, stderr });

/** An nft that knows some tables, by their listings. */
function fakeNft(tables: Map<string, string>): Nft {
  return new Nft((args, input = "") => {
    if (args.includes("tables")) {
      const names = ["table ip nat", ...[...tables.keys()].map((name) => `table inet ${name}`)];
      return Promise.resolve(result(0, `${names.join("\n")}\n`));
    }
    if (args.includes("list")) {
      const listing = tables.get(args.at(-1) ?? "");
      return Promise.resolve(
        listing === undefined
          ? result(1, "", "Error: No such file or directory\n")
          : result(0, listing),
      );
    }
    tables.delete(/^delete table inet (\S+)$/m.exec(input)?.[1] ?? "");
    return Promise.resolve(result(0));
  });
}

Deno.test("removeOrphanTables() removes those of servers that are gone alone", SANE, async () => {
  const of = (pid: number) => `comment "${ownerComment({ ...OWNER, pid })}"`;
  const tables = new Map([
    ["blockyard_uids_1000_1999", ""],
    ["blockyard_uids_1000_1999_00000001", of(1)],
    ["blockyard_uids_1000_1999_00000002", of(2)],
    ["blockyard_uids_5000_5999_00000002", of(2)],
    ["blockyard_uids_1000_1999_00000003", "emptied by hand"],
    ["filter", of(2)],
  ]);
  const isLive = ({ pid }: TableOwner) => Promise.resolve(pid !== 2);
  const nft = fakeNft(tables);
  const found = await removeOrphanTables(nft, { isLive, senders: UIDS });
  assertEquals(found.removed, ["blockyard_uids_1000_1999_00000002"]);
  assertEquals(found.kept.map(({ owner }) => owner?.pid), [1, undefined]);
  const all = await removeOrphanTables(nft, { isLive });
  assertEquals(all.removed, ["blockyard_uids_5000_5999_00000002"]);
  assertEquals(tables.size, 4);
});

Deno.test("what nft says is told, in words", SANE, async () => {
  const saying = (stderr: string) => new Nft(() => Promise.resolve(result(1, "", stderr)));
  await assertRejects(
    () => saying("Operation not permitted (you must be root)\n").apply(""),
    Error,
    "cannot set firewall rules: the kernel does not permit it, want root with CAP_NET_ADMIN",
  );
  await assertRejects(
    () => saying("/dev/stdin:1:1-3: Error: syntax error\nadd\n^^^\n").check(""),
    Error,
    "nft ended with code 1 and said /dev/stdin:1:1-3: Error: syntax error; add",
  );
  await assertRejects(() => saying("No such file or directory").tables(), Error, "cannot list");
  assertEquals(await saying("Error: No such file or directory\n").list("t"), undefined);
  const long = new Nft(() => Promise.resolve(result(0, "x".repeat(65_536))));
  await assertRejects(() => long.list("t"), Error, "they are too many");
});
