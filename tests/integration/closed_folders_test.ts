/** Folders that a worker's user may not enter keep it from starting, and the error says whose. */
import { toUid } from "#src/core/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { lineOf, openTestBackend, shellSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const options = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const SCRIPT = "cat file; exec sleep 60";
const [start, end] = [toUid(1_922_000_011), toUid(1_922_000_019)];

Deno.test(
  "an app in a folder that workers may not enter is told from one that they may",
  options,
  async () => {
    await using folder = await tempFolder();
    await using host = await openTestBackend({
      workerUidRangeStart: start,
      workerUidRangeEnd: end,
    });
    const { backend, config } = host;
    const above = await folder.folder("above");
    const path = await folder.folder("above/app");
    await folder.write("above/app/file", "read\n");
    const source = { kind: "directory", path } as const;

    for (const closed of [path, above]) {
      await Deno.chmod(closed, 0o700);
      const spec = shellSpec(SCRIPT, { source });
      const error = await assertRejects(() => backend.spawn(spec), Error);
      assertEquals(
        error.message.split(": bwrap: ")[0],
        `cannot start worker ${spec.id}: start the sandbox: the worker cannot reach ${path}, ` +
          "want it, and each folder above it, open to everybody or the group " +
          `${config.workerGid} (process.worker_gid)`,
      );

      await Deno.chown(closed, null, config.workerGid);
      await Deno.chmod(closed, 0o750);
      const again = shellSpec(SCRIPT, { source });
      await backend.spawn(again);
      assertEquals(await lineOf(backend, again.id, /./), "read");
      await backend.stop(again.id, { graceMs: 0 });
    }
  },
);

Deno.test("a mount that workers may not reach is named", options, async () => {
  await using folder = await tempFolder();
  await using host = await openTestBackend({ workerUidRangeStart: start, workerUidRangeEnd: end });
  const path = await folder.folder("above/data");
  await folder.folder("above", 0o700);
  const mounts = [{ source: path, target: "/data", readOnly: true }];
  await assertRejects(
    () => host.backend.spawn(shellSpec(SCRIPT, { mounts })),
    Error,
    `the worker cannot reach ${path}, want it, and each folder above it, open to everybody`,
  );
});
