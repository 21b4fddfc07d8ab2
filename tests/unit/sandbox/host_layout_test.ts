import { findKeyLists, inspectRoot } from "#src/sandbox/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

async function withRoot(test: (root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await test(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test(
  "inspectRoot() tells links of a merged system from folders of an unmerged one",
  strict,
  () =>
    withRoot(async (root) => {
      await Deno.symlink("usr/bin", `${root}/bin`);
      await Deno.symlink("/usr/lib", `${root}/lib`);
      await Deno.mkdir(`${root}/lib64`);
      await Deno.writeTextFile(`${root}/sbin`, "neither");
      assertEquals(await inspectRoot(root), [
        { kind: "symlink", name: "bin", target: "usr/bin" },
        { kind: "symlink", name: "lib", target: "usr/lib" },
        { kind: "directory", name: "lib64" },
      ]);
    }),
);

Deno.test(
  "inspectRoot() refuses a system folder that links to where the sandbox has nothing",
  strict,
  () =>
    withRoot(async (root) => {
      for (const target of ["/nix/store/bin", "usr/../etc", "usr/bin/x"]) {
        await Deno.symlink(target, `${root}/bin`);
        await assertRejects(() => inspectRoot(root), Error, "want usr/NAME");
        await Deno.remove(`${root}/bin`);
      }
    }),
);

Deno.test(
  "findKeyLists() tells what the kernel has, as a sandbox sees it",
  strict,
  () =>
    withRoot(async (root) => {
      assertEquals(await findKeyLists(root), []);
      await Deno.writeTextFile(`${root}/keys`, "");
      assertEquals(await findKeyLists(root), ["/proc/keys"]);
      await Deno.writeTextFile(`${root}/key-users`, "");
      assertEquals(await findKeyLists(root), ["/proc/keys", "/proc/key-users"]);
      await assertRejects(() => findKeyLists(`${root}/keys`), Error);
    }),
);
