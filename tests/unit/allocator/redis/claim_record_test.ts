import { checkOwner, formatClaim, parseClaim } from "#src/allocator/redis/claim_record.ts";
import { assertEquals, assertThrows } from "#tests/support/assert.ts";

const OWNER = { hostId: "h-1", serverId: "s-1", pid: 42, startedAt: "boot-id:17" };

Deno.test("parseClaim() reads what formatClaim() wrote", () => {
  const text = formatClaim(OWNER, "abc.1");
  assertEquals(text, "s-1|42|boot-id:17|abc.1");
  assertEquals(parseClaim(text), {
    serverId: "s-1",
    pid: 42,
    startedAt: "boot-id:17",
    token: "abc.1",
  });
});

for (const text of ["", "s-1|42|boot", "s-1|x|boot|t", "s-1|42|boot|t|more", "|42|boot|t"]) {
  Deno.test(`parseClaim() does not understand "${text}"`, () => {
    assertEquals(parseClaim(text), undefined);
  });
}

Deno.test("checkOwner() takes what keys and claims can hold", () => {
  checkOwner(OWNER);
});

for (
  const [part, message] of [
    [{ hostId: "a}b" }, 'cannot use "a}b" as a host id'],
    [{ serverId: "a|b" }, 'cannot use "a|b" as a server id'],
    [{ serverId: "" }, 'cannot use "" as a server id'],
    [{ pid: 1.5 }, "cannot use 1.5 and"],
    [{ startedAt: "a|b" }, 'and "a|b" as a process'],
  ] as const
) {
  Deno.test(`checkOwner() refuses ${JSON.stringify(part)}`, () => {
    assertThrows(() => checkOwner({ ...OWNER, ...part }), RangeError, message);
  });
}
