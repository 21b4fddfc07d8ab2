import { describeRedisFailure, isUnknownScript } from "#src/allocator/redis/redis_failure.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";

for (
  const [reply, meaning] of [
    [
      "LOADING Redis is loading the dataset in memory",
      "is still loading its data",
    ],
    [
      "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
      "is busy with a script that does not end",
    ],
    [
      "CLUSTERDOWN The cluster is down",
      "is a node of a cluster that is not complete",
    ],
    [
      "MOVED 3999 127.0.0.1:6381",
      "is not the node of its cluster that has the slots of this host, want that one",
    ],
    [
      "ERR AUTH <password> called without any password configured for the default user.",
      "refuses this user name or password, want those of a user that it knows",
    ],
    [
      "ERR The user executing the script can't run this command or subcommand script: 8c, on @user_script:2.",
      "does not let this user do that, want one with the rights that the manual names",
    ],
    ["ERR unknown command `HELLO`, with args", "is too old, want Redis 6 or later"],
    ["ERR DB index is out of range", "has no database of that number"],
    ["ERR something new", 'answers "ERR something new"'],
    ['Unknown RESP type 72 "H"', "does not speak the protocol of Redis"],
    ["Connection timeout", "does not answer"],
    ["Disconnects client", "broke the connection"],
    ["Socket closed unexpectedly", "broke the connection"],
    ["something else", 'fails with "something else"'],
  ] as const
) {
  Deno.test(`describeRedisFailure() says what "${reply}" means`, () => {
    assertEquals(describeRedisFailure(new Error(reply)), meaning);
  });
}

Deno.test("describeRedisFailure() says what the code of a failed system call means", () => {
  const refused = Object.assign(new Error("connect failed"), { code: "ECONNREFUSED" });
  assertEquals(describeRedisFailure(refused), "refuses connections");
});

Deno.test("describeRedisFailure() describes what is no error", () => {
  assertEquals(describeRedisFailure("gone"), 'fails with "gone"');
  assertEquals(describeRedisFailure(new TypeError()), 'fails with "TypeError"');
});

Deno.test("isUnknownScript() tells a lost script from other failures", () => {
  assert(isUnknownScript(new Error("NOSCRIPT No matching script. Please use EVAL.")));
  assert(!isUnknownScript(new Error("ERR NOSCRIPT")));
});
