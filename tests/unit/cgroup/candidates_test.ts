import { candidates, isBelowUnit, possibleDelegations } from "#src/cgroup/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MOUNT = { folder: "/cg", root: "/", isReadOnly: false };
const SERVICE = "/system.slice/blockyard.service";
const MANAGED = "/user.slice/user-7.slice/user@7.service/app.slice/it.scope";

/** Lists the places, each as its standing and its folder. */
async function look(
  unified: string | undefined,
  { isRoot = true, marked = [], writable = [], isDeleted = false }: {
    isRoot?: boolean;
    marked?: readonly string[];
    writable?: readonly string[];
    isDeleted?: boolean;
  } = {},
): Promise<string[]> {
  const found = await candidates(MOUNT, { unified, isDeleted, legacy: [] }, {
    isRoot,
    groups: new FakeGroups(Object.fromEntries(writable.map((folder) => [folder, {}]))),
    isMarked: (folder) => marked.includes(folder),
  });
  return found.map(({ standing, folder }) => `${standing} ${folder}`);
}

Deno.test("what systemd marked is the only place, for root and others", UNIT, async () => {
  for (const isRoot of [true, false]) {
    const options = { isRoot, marked: [`/cg${SERVICE}`] };
    assertEquals(await look(SERVICE, options), [`delegated /cg${SERVICE}`]);
    // Where the server has moved itself below, or DelegateSubgroup= has put it there.
    assertEquals(await look(`${SERVICE}/a/server`, options), [`delegated /cg${SERVICE}`]);
  }
});

Deno.test("a mark beyond a unit in between is somebody else's", UNIT, async () => {
  const marked = ["/cg/user.slice/user-7.slice/user@7.service"];
  assertEquals(await look(MANAGED, { marked }), ["systemd /cg", `systemd /cg${MANAGED}`]);
});

Deno.test(
  "in a unit that is not delegated root takes the top of the tree first",
  UNIT,
  async () => {
    assertEquals(await look(SERVICE), ["systemd /cg", `systemd /cg${SERVICE}`]);
  },
);

Deno.test("in a group that is no unit's root takes its own first", UNIT, async () => {
  assertEquals(await look("/openrc.blockyard"), ["free /cg/openrc.blockyard", "free /cg"]);
  assertEquals(await look("/"), ["free /cg"]);
});

Deno.test("root whose group is not to be seen is left with the top", UNIT, async () => {
  assertEquals(await look("/../elsewhere"), ["free /cg"]);
  assertEquals(await look("/gone", { isDeleted: true }), ["free /cg"]);
  assertEquals(await look(undefined), ["free /cg"]);
});

Deno.test("an ordinary user has its own group, and else nothing", UNIT, async () => {
  assertEquals(await look("/mine", { isRoot: false }), ["free /cg/mine"]);
  assertEquals(await look("/", { isRoot: false }), ["free /cg"]);
  assertEquals(await look("/../elsewhere", { isRoot: false }), []);
  assertEquals(await look("/gone", { isRoot: false, isDeleted: true }), []);
});

Deno.test("a user's unit is delegated when the group above is not the user's", UNIT, async () => {
  assertEquals(await look(SERVICE, { isRoot: false }), [`delegated /cg${SERVICE}`]);
  const writable = [`/cg${MANAGED.slice(0, MANAGED.lastIndexOf("/"))}`];
  assertEquals(await look(MANAGED, { isRoot: false, writable }), [`systemd /cg${MANAGED}`]);
});

Deno.test("units are told by the ends of their names", UNIT, () => {
  assertEquals(isBelowUnit("/user.slice/user-0.slice/session-1.scope/x"), true);
  assertEquals(isBelowUnit("/init.scope"), true);
  assertEquals(isBelowUnit("/docker/scope/a.service.d"), false);
  assertEquals(isBelowUnit("/"), false);
});

Deno.test("a delegation may begin at the group or above it, up to the next unit", UNIT, () => {
  assertEquals(possibleDelegations("/a.slice/b.service/c/d"), [
    "/a.slice/b.service/c/d",
    "/a.slice/b.service/c",
    "/a.slice/b.service",
  ]);
  assertEquals(possibleDelegations("/a/b"), ["/a/b", "/a"]);
  assertEquals(possibleDelegations("/"), []);
});
