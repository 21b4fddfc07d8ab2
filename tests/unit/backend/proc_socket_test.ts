import {
  answeringAt,
  findListeners,
  type Listener,
  readSocketTables,
  SharedSocketTables,
  socketInodes,
} from "#src/backend/proc/mod.ts";
import { parseHexAddress } from "#src/backend/proc/hex_address.ts";
import { toPid, toPort, toUid } from "#src/core/mod.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";
import { fakeProc } from "./fake_proc.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

/** Captured on Linux 6.18: port 0x2710 is 10000; uids and inodes were changed. */
const TCP =
  `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode                                                     
   0: 0100007F:2710 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1900000001        0 60001 1 000000008491f238 100 0 0 10 0                        
   1: 00000000:2710 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 60002 1 000000008491f239 100 0 0 10 0                        
   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 60003 1 000000008491f23a 100 0 0 10 0                        
   3: 0100007F:2710 0100007F:D2F0 01 00000000:00000000 00:00000000 00000000 1900000001        0 60004 1 000000008491f23b 20 4 30 10 -1                      
   4: 0100007F:D2F0 0100007F:2710 01 00000000:00000000 00:00000000 00000000     0        0 60005 1 000000008491f23c 20 4 30 10 -1                      
   5: 0100007F:2710 0100007F:D2F2 06 00000000:00000000 03:00000EA1 00000000     0        0 0 3 000000008491f23d                                      
`;

const TCP6 =
  `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:2710 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 60011 1 0000000011d6a3a2 100 0 0 10 0
   1: 00000000000000000000000001000000:2711 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 60012 1 0000000011d6a3a3 100 0 0 10 0
`;

function listener(address: string, uid: number, inode: number): Listener {
  return { address, uid: toUid(uid), inode };
}

Deno.test(
  "findListeners() finds sockets that listen, in both tables, and no connections",
  strict,
  async () => {
    await using host = await fakeProc();
    await host.write("net/tcp", TCP);
    await host.write("net/tcp6", TCP6);
    assertEquals(findListeners(toPort(10_000), await readSocketTables(host)), [
      listener("127.0.0.1", 1_900_000_001, 60_001),
      listener("0.0.0.0", 0, 60_002),
      listener("::", 1000, 60_011),
    ]);
    assertEquals(findListeners(toPort(10_001), await readSocketTables(host)), [
      listener("::1", 1000, 60_012),
    ]);
    assertEquals(findListeners(toPort(80), await readSocketTables(host)), [
      listener("127.0.0.1", 33, 60_003),
    ]);
    assertEquals(findListeners(toPort(54_000), await readSocketTables(host)), []);
  },
);

Deno.test(
  "findListeners() does without IPv6 where the host has none, but not without IPv4",
  strict,
  async () => {
    await using host = await fakeProc();
    await host.write("net/tcp", TCP);
    assertEquals(findListeners(toPort(10_000), await readSocketTables(host)).length, 2);
    await Deno.remove(`${host.proc}/net/tcp`);
    const error = await assertRejects(
      async () => findListeners(toPort(10_000), await readSocketTables(host)),
      Error,
    );
    assertEquals(error.message, `cannot read ${host.proc}/net/tcp: want a mounted procfs`);
  },
);

Deno.test("findListeners() refuses a line that was cut", strict, async () => {
  await using host = await fakeProc();
  await host.write("net/tcp", TCP.slice(0, TCP.indexOf("1900000001")));
  await assertRejects(
    async () => findListeners(toPort(10_000), await readSocketTables(host)),
    SyntaxError,
    "cannot parse",
  );
});

Deno.test(
  "SharedSocketTables reads once for all who ask at a moment, anew for later ones",
  strict,
  async () => {
    await using host = await fakeProc();
    await host.write("net/tcp", "first");
    const gathered = Promise.withResolvers<void>();
    const tables = new SharedSocketTables({ ...host, clock: { sleep: () => gathered.promise } });
    const [one, two] = [tables.read(), tables.read()];
    await host.write("net/tcp", "second");
    gathered.resolve();
    assertEquals(await one, { v4: "second", v6: "" });
    assert(await one === await two, "expected one reading");
    await host.write("net/tcp", "third");
    assertEquals((await tables.read()).v4, "third");
  },
);

Deno.test("answeringAt() keeps what a connection to an IPv4 address can end at", strict, () => {
  const all = [
    "127.0.0.1",
    "0.0.0.0",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::",
    "127.0.0.2",
    "::1",
  ]
    .map((address, index) => listener(address, index, index));
  assertEquals(answeringAt(all, "127.0.0.1").map(({ address }) => address), [
    "127.0.0.1",
    "0.0.0.0",
    "::ffff:127.0.0.1",
    "::ffff:0.0.0.0",
    "::",
  ]);
});

Deno.test(
  "parseHexAddress() reads the byte order of the machine and writes addresses short",
  strict,
  () => {
    const addresses: Record<string, string> = {
      "00000000": "0.0.0.0",
      "0100007F": "127.0.0.1",
      "0A01A8C0": "192.168.1.10",
      "0a01a8c0": "192.168.1.10",
      "00000000000000000000000000000000": "::",
      "00000000000000000000000001000000": "::1",
      "0000000000000000FFFF00000100007F": "::ffff:127.0.0.1",
      "B80D0120000000000000000001000000": "2001:db8::1",
      "000080FE00000000FF005450B6AD1DFE": "fe80::5054:ff:fe1d:adb6",
      "B80D0120010000000000010001000000": "2001:db8:0:1:1::1",
      "B80D0120010002000300040005000600": "2001:db8:2:1:4:3:6:5",
      "000001000000020000000000FFFFFFFF": "1:0:2::ffff:ffff",
      "0100000000000000000000000000FFFF": "0:1::ffff:0",
      "00000100020000000000030004000000": "1::2:3:0:0:4",
      "B80D0120010002000300040005000000": "2001:db8:2:1:4:3:0:5",
    };
    const actual = Object.fromEntries(
      Object.keys(addresses).map((hex) => [hex, parseHexAddress(hex)]),
    );
    assertEquals(actual, addresses);
    for (const odd of ["", "0100007", "0100007G", "0100007F0", "0".repeat(31)]) {
      assertThrows(() => parseHexAddress(odd), SyntaxError, "want 8 or 32 hex digits");
    }
  },
);

Deno.test("socketInodes() lists sockets, and no files or pipes", strict, async () => {
  await using host = await fakeProc({
    pid: 5,
    fds: {
      0: "/dev/null",
      1: "pipe:[123]",
      3: "socket:[60001]",
      4: "socket:[7]",
      5: "/socket:[8]",
    },
  });
  assertEquals(await socketInodes(toPid(5), host), new Set([60_001, 7]));
  assertEquals(await socketInodes(toPid(6), host), new Set());
});
