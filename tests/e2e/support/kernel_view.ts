import { assertEquals, assertNotEquals } from "#tests/support/assert.ts";
import { namespaceOf, processStatus } from "#tests/support/host_processes.ts";

/** Namespaces that a worker shares with nobody. */
const OWN_NAMESPACES = ["user", "mnt", "pid", "ipc", "uts"];

/** `/proc/<pid>/status` writes a set of capabilities as 16 hexadecimal digits. */
const NO_CAPABILITIES = "0000000000000000";

/**
 * Fails unless the kernel shows a process of a worker as it has to be: one uid and one gid in all
 * four columns, no privilege and no way to any, namespaces of its own.
 *
 * @param pid The process.
 * @param want `uid` and `gid` are what it runs under, `server` is the process of the server.
 */
export function assertConfined(
  pid: number,
  { uid, gid, server }: { uid: number; gid: number; server: number },
): void {
  const { Uid, Gid, Groups, NoNewPrivs, CapInh, CapPrm, CapEff, CapBnd, CapAmb } = processStatus(
    pid,
  );
  assertEquals(
    { Uid, Gid, Groups, NoNewPrivs, CapInh, CapPrm, CapEff, CapBnd, CapAmb },
    {
      Uid: Array(4).fill(uid).join(" "),
      Gid: Array(4).fill(gid).join(" "),
      Groups: "",
      NoNewPrivs: "1",
      CapInh: NO_CAPABILITIES,
      CapPrm: NO_CAPABILITIES,
      CapEff: NO_CAPABILITIES,
      CapBnd: NO_CAPABILITIES,
      CapAmb: NO_CAPABILITIES,
    },
  );
  for (const kind of OWN_NAMESPACES) {
    assertNotEquals(namespaceOf(pid, kind), namespaceOf(server, kind));
  }
}
