import { redisScript } from "#src/allocator/redis/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

Deno.test("redisScript() knows the SHA-1 of its text", () => {
  assertEquals(redisScript("return 1").sha, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
});
