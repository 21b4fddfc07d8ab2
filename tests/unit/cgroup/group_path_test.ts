import { findMountWithin, locateGroup, parseMountinfo } from "#src/cgroup/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MOUNT = { folder: "/sys/fs/cgroup", root: "/", isReadOnly: false };

for (
  const { root, folder, path, level } of [
    { root: "/", folder: "/a/workers/x-1", path: "a/workers/x-1", level: 3 },
    { root: "/", folder: "/x", path: "x", level: 1 },
    // The mount of a part: packet filters count from the root of the namespace.
    { root: "/docker/7", folder: "/x", path: "x", level: 3 },
    { root: "/..", folder: "/beside/x", path: "beside/x", level: 1 },
  ]
) {
  Deno.test(`${folder} below a mount of ${root} is ${path} at level ${level}`, UNIT, () => {
    const absolute = `${MOUNT.folder}${folder}`;
    assertEquals(locateGroup({ ...MOUNT, root }, absolute), { folder: absolute, path, level });
  });
}

for (const folder of ["", "/", "/../x", "/a/./b", "/a//b", "2/a"]) {
  Deno.test(`${JSON.stringify(folder)} is no folder below the mount`, UNIT, () => {
    assertThrows(
      () => locateGroup(MOUNT, MOUNT.folder + folder),
      RangeError,
      "want a folder below",
    );
  });
}

Deno.test("what is mounted on the way to the groups or among them is found", UNIT, () => {
  const mounts = (point: string) =>
    parseMountinfo(
      "30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n" +
        "22 1 0:21 / / rw - ext4 /dev/vda rw\n" +
        "23 22 0:21 / /sys rw - sysfs sysfs rw\n" +
        `31 30 0:40 / ${point} rw - tmpfs tmpfs rw\n`,
    );
  const look = (point: string) =>
    findMountWithin(mounts(point), MOUNT, "/sys/fs/cgroup/blockyard/workers");
  for (const name of ["blockyard", "blockyard/workers", "blockyard/workers/a"]) {
    assertEquals(look(`/sys/fs/cgroup/${name}`), `/sys/fs/cgroup/${name}`);
  }
  for (const point of ["/sys/fs/cgroup/other", "/sys/fs/cgroup/blockyard/server", "/tmp"]) {
    assertEquals(look(point), undefined);
  }
});
