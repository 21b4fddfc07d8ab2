import { explainClosedFolder } from "#src/backend/closed_folder.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const app = { kind: "directory", path: "/srv/apps/hello" } as const;
const ids = { uid: toUid(2000), gid: toGid(3000) };
const owner = { ...ids, exclusive: true, maxProcesses: 1 } as const;

Deno.test("what bwrap may not enter is named, with who needs to enter it", strict, () => {
  const wanted = "want it, and each folder above it, open to everybody or the group 3000 " +
    "(process.worker_gid)";
  assertEquals(
    [
      explainClosedFolder("bwrap: Can't chdir to /app: Permission denied", { app, owner }),
      explainClosedFolder("bwrap: Can't find source path /a b/c: Permission denied", {
        app,
        owner,
      }),
    ],
    [
      `the worker cannot reach /srv/apps/hello, ${wanted}`,
      `the worker cannot reach /a b/c, ${wanted}`,
    ],
  );
});

Deno.test("workers of an ordinary user need no other group", strict, () => {
  const shared = { ...ids, exclusive: false, maxProcesses: 0 } as const;
  assertEquals(
    explainClosedFolder("bwrap: Can't chdir to /app: Permission denied", { app, owner: shared }),
    "the worker cannot reach /srv/apps/hello, want it, and each folder above it, open to the " +
      "server's own user id 2000",
  );
});

for (
  const said of [
    "bwrap: Can't find source path /srv/apps/hello: No such file or directory",
    "bwrap: No permissions to create new namespace",
    "it said: bwrap: Can't chdir to /app: Permission denied",
    "bwrap: Can't chdir to /tmp: Permission denied",
  ]
) {
  Deno.test(`"${said}" is left as it is`, strict, () => {
    assertEquals(explainClosedFolder(said, { app, owner }), undefined);
  });
}
