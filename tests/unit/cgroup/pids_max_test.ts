import { parseMembership, parseMountinfo, readPidsMaxima } from "#src/cgroup/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { FakeGroups } from "./fake_groups.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const MOUNTS = parseMountinfo("39 31 0:36 / /v1/pids rw - cgroup cgroup rw,pids\n");

const read = (
  membership: string,
  files: Readonly<Record<string, string>>,
  mount = { folder: "/cg", root: "/", isReadOnly: false },
) =>
  readPidsMaxima(
    { mounts: MOUNTS, mount, membership: parseMembership(membership) },
    new FakeGroups(
      Object.fromEntries(
        Object.entries(files).map(([folder, text]) => [folder, { "pids.max": text }]),
      ),
    ),
  );

Deno.test("every group from its own to the top is looked at", UNIT, async () => {
  const files = { "/cg": "9\n", "/cg/a": "100\n", "/cg/a/b": "max\n", "/cg/a/b/c": "20\n" };
  assertEquals(await read("0::/a/b\n", files), [
    { file: "/cg/a/pids.max", max: 100 },
    { file: "/cg/pids.max", max: 9 },
  ]);
});

Deno.test("cgroup v1 limits, too", UNIT, async () => {
  const files = { "/v1/pids/x": "300\n", "/v1/pids/y": "1\n" };
  assertEquals(await read("8:pids:/x\n0::/\n", files), [
    { file: "/v1/pids/x/pids.max", max: 300 },
  ]);
});

Deno.test("groups that are not shown or not there say nothing", UNIT, async () => {
  const files = { "/cg": "9\n", "/cg/a": "5\n" };
  assertEquals(await read("0::/../a\n", files), []);
  assertEquals(await read("0::/a (deleted)\n", files), []);
  assertEquals(await read("", files), []);
});

Deno.test("a limit that is no number is refused", UNIT, async () => {
  for (const text of ["-1\n", ""]) {
    const value = JSON.stringify(text.trim());
    const message = `cannot read /cg/a/pids.max: cannot parse ${value}: want a number or max`;
    await assertRejects(() => read("0::/a\n", { "/cg/a": text }), SyntaxError, message);
  }
});
