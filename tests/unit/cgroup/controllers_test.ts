import { missingControllers, parseControllers } from "#src/cgroup/mod.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("controllers are read in their order, unknown ones included", UNIT, () => {
  const text = "cpuset cpu io memory hugetlb pids rdma misc dmem\n";
  assertEquals(parseControllers(text), text.trim().split(" "));
  assertEquals(parseControllers("hugetlb"), ["hugetlb"]);
});

Deno.test("a group without controllers has an empty file or an empty line", UNIT, () => {
  assertEquals(parseControllers(""), []);
  assertEquals(parseControllers("\n"), []);
});

for (const text of ["cpu, memory\n", "+cpu\n", "cpu\tmemory\n"]) {
  Deno.test(`${JSON.stringify(text)} is no list of controllers`, UNIT, () => {
    assertThrows(() => parseControllers(text), SyntaxError, "want the name of a controller");
  });
}

Deno.test("missing are those that limits need", UNIT, () => {
  assertEquals(missingControllers([]), ["cpu", "memory", "pids"]);
  assertEquals(missingControllers(["memory", "io"]), ["cpu", "pids"]);
  assertEquals(missingControllers(["pids", "memory", "cpu"]), []);
});
