import { groupFolder, parseMembership } from "#src/cgroup/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("on a unified host there is one line", UNIT, () => {
  assertEquals(parseMembership("0::/system.slice/blockyard.service\n"), {
    unified: "/system.slice/blockyard.service",
    isDeleted: false,
    legacy: [],
  });
});

Deno.test("on a hybrid host the hierarchies of v1 are told beside it", UNIT, () => {
  const text = "9:name=systemd:/\n8:pids:/user.slice\n2:cpu,cpuacct:/a:b\n0::/\n";
  assertEquals(parseMembership(text), {
    unified: "/",
    isDeleted: false,
    legacy: [
      { controllers: ["name=systemd"], path: "/" },
      { controllers: ["pids"], path: "/user.slice" },
      { controllers: ["cpu", "cpuacct"], path: "/a:b" },
    ],
  });
});

Deno.test("a host with v1 alone, and an empty file, name no group of v2", UNIT, () => {
  assertEquals(parseMembership("8:pids:/\n").unified, undefined);
  assertEquals(parseMembership(""), { unified: undefined, isDeleted: false, legacy: [] });
});

Deno.test("a group that was removed is told from one that is there", UNIT, () => {
  const { unified, isDeleted } = parseMembership("0::/a b (deleted)\n");
  assertEquals([unified, isDeleted], ["/a b", true]);
});

for (const line of ["0:/", "x::/", "0::a"]) {
  Deno.test(`the line ${line} is refused`, UNIT, () => {
    assertThrows(() => parseMembership(`${line}\n`), SyntaxError, JSON.stringify(line));
  });
}

const places: readonly (readonly [root: string, path: string, folder: string | undefined])[] = [
  ["/", "/", "/mnt"],
  ["/", "/a/b c", "/mnt/a/b c"],
  ["/", "/..", undefined],
  ["/", "/../other", undefined],
  ["/", "/a/../b", undefined],
  ["/", "/..a", "/mnt/..a"],
  ["/docker/x", "/docker/x", "/mnt"],
  ["/docker/x", "/docker/x/y", "/mnt/y"],
  ["/docker/x", "/docker/xy", undefined],
  ["/docker/x", "/", undefined],
  // The mount shows more than the namespace, and not under which names.
  ["/..", "/", undefined],
  ["/..", "/../beside", "/mnt/beside"],
  ["/..", "/../..", undefined],
];
for (const [root, path, folder] of places) {
  Deno.test(`group ${path} below a mount of ${root} is at ${folder ?? "no place"}`, UNIT, () => {
    assertEquals(groupFolder({ folder: "/mnt", root, isReadOnly: false }, path), folder);
  });
}
