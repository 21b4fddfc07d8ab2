import { findCgroup1, findCgroup2, isHidden, parseMountinfo } from "#src/cgroup/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** A unified host with systemd, as far as it matters. */
const UNIFIED = `\
24 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
22 24 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
30 22 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`;
/** A hybrid host. */
const HYBRID = `\
23 27 0:22 / /sys rw,relatime - sysfs sysfs rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;

const find = (text: string) => findCgroup2(parseMountinfo(text));

Deno.test("a unified host has cgroup v2 at /sys/fs/cgroup", UNIT, () => {
  assertEquals(find(UNIFIED), { folder: "/sys/fs/cgroup", root: "/", isReadOnly: false });
  assertEquals(findCgroup1(parseMountinfo(UNIFIED), "pids"), undefined);
});

Deno.test("a hybrid host has it beside the hierarchies of v1", UNIT, () => {
  assertEquals(find(HYBRID)?.folder, "/sys/fs/cgroup/unified");
  const mounts = parseMountinfo(HYBRID);
  assertEquals(findCgroup1(mounts, "pids")?.folder, "/sys/fs/cgroup/pids");
  assertEquals(findCgroup1(mounts, "cpuacct")?.folder, "/sys/fs/cgroup/cpu,cpuacct");
  assertEquals(findCgroup1(mounts, "memory"), undefined);
});

Deno.test("a host with v1 alone, and one that shows no mounts, have none", UNIT, () => {
  assertEquals(find(HYBRID.split("\n").slice(0, 5).join("\n")), undefined);
  assertEquals(find(""), undefined);
});

Deno.test("every field is read, with any number of optional ones", UNIT, () => {
  const line = (optional: string) =>
    `36 35 98:0 /mnt1 /mnt2 rw,noatime ${optional}- ext3 /dev/root rw,errors=continue\n`;
  for (const optional of ["", "master:1 ", "shared:1 master:2 propagate_from:3 unbindable "]) {
    assertEquals(parseMountinfo(line(optional)), [{
      id: 36,
      parentId: 35,
      root: "/mnt1",
      point: "/mnt2",
      options: ["rw", "noatime"],
      fsType: "ext3",
      superOptions: ["rw", "errors=continue"],
    }]);
  }
});

Deno.test("what the kernel escapes is read as it is", UNIT, () => {
  const [mount] = parseMountinfo(
    "41 31 0:38 /a\\040b /mnt/a\\040b\\134c\\011d\\012e\\043é rw - cgroup2 a\\040b rw\n",
  );
  assertEquals([mount?.root, mount?.point], ["/a b", "/mnt/a b\\c\td\ne#é"]);
});

Deno.test("a mount without a source is read, too", UNIT, () => {
  assertEquals(find("41 31 0:38 / /mnt rw - cgroup2  rw\n")?.folder, "/mnt");
});

for (const line of ["41 31 0:38 / /mnt rw cgroup2 cgroup2 rw", "x", "41 31 0:38 / /mnt rw - "]) {
  Deno.test(`the line ${JSON.stringify(line)} is refused`, UNIT, () => {
    assertThrows(() => parseMountinfo(`${line}\n`), SyntaxError, JSON.stringify(line));
  });
}

Deno.test("the mount of everything comes before that of a part", UNIT, () => {
  const text = "50 1 0:38 /some/group /a rw - cgroup2 cgroup2 rw\n" +
    "51 1 0:38 / /b ro - cgroup2 cgroup2 rw\n";
  assertEquals(find(text), { folder: "/b", root: "/", isReadOnly: true });
});

Deno.test("of two mounts of everything the writable one is taken", UNIT, () => {
  const text = "50 1 0:38 / /a ro - cgroup2 cgroup2 rw\n" +
    "51 1 0:38 / /b rw - cgroup2 cgroup2 ro\n" +
    "52 1 0:38 / /c rw - cgroup2 cgroup2 rw\n";
  assertEquals(find(text)?.folder, "/c");
  const [first, second] = text.split("\n");
  assertEquals(find(`${second}\n`)?.isReadOnly, true);
  assertEquals(find(`${first}\n`)?.isReadOnly, true);
});

Deno.test("a mount is hidden by one at the same place, or at a folder on the way", UNIT, () => {
  const over = (line: string) => find(UNIFIED + line);
  assertEquals(over("60 30 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"), undefined);
  assertEquals(over("60 22 0:50 / /sys/fs rw - tmpfs tmpfs rw\n"), undefined);
  assertEquals(over("60 24 0:50 / /sys rw - tmpfs tmpfs rw\n"), undefined);
  assertEquals(over("60 22 0:50 / /sys/fs/cgroupX rw - tmpfs tmpfs rw\n")?.root, "/");
  assertEquals(over("60 30 0:50 / /sys/fs/cgroup/x rw - tmpfs tmpfs rw\n")?.root, "/");
});

Deno.test("what lies over a hidden mount is itself not hidden", UNIT, () => {
  const text = UNIFIED +
    "60 30 0:50 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n" +
    "61 60 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const mounts = parseMountinfo(text);
  assertEquals(mounts.filter((it) => isHidden(it, mounts)).map(({ id }) => id), [30, 60]);
});

Deno.test("a table in which mounts lie in each other is gone through to its end", UNIT, () => {
  assertEquals(
    find("5 6 0:1 / /a rw - cgroup2 cgroup2 rw\n6 5 0:2 / /b rw - tmpfs tmpfs rw\n")?.folder,
    "/a",
  );
});
