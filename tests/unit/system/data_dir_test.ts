import { DataDir } from "#src/data_dir.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const uid = Deno.uid() ?? 0;

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test(
  "DataDir.open() makes the folder, for its user alone",
  strict,
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/a/data`;
      await DataDir.open(path, { uid });
      await DataDir.open(path, { uid });
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o700);
    }),
);

Deno.test(
  "DataDir.open() refuses a folder that others own or can write to, and what is none",
  strict,
  () =>
    withFolder(async (folder) => {
      const path = `${folder}/data`;
      await Deno.mkdir(path);
      await assertRejects(
        () => DataDir.open(path, { uid: uid + 1 }),
        Error,
        `it belongs to uid ${uid}, want ${uid + 1}`,
      );
      await Deno.chmod(path, 0o770);
      await assertRejects(
        () => DataDir.open(path, { uid }),
        Error,
        "others can write to it, want mode 0700",
      );
      await Deno.chmod(path, 0o700);
      await Deno.symlink(path, `${folder}/link`);
      await assertRejects(() => DataDir.open(`${folder}/link`, { uid }), Error, "it is no folder");
      await Deno.writeTextFile(`${folder}/file`, "");
      await assertRejects(
        () => DataDir.open(`${folder}/file`, { uid }),
        Error,
        `cannot use ${folder}/file as server.data_dir`,
      );
      await assertRejects(
        () => DataDir.open(`${folder}/file/x`, { uid }),
        Error,
        "it cannot be made",
      );
    }),
);

Deno.test(
  "DataDir says where the server is, until that very server takes it back",
  strict,
  () =>
    withFolder(async (folder) => {
      const data = await DataDir.open(`${folder}/data`, { uid });
      const startedAt = "2026-01-02T03:04:05.000Z";
      await data.announce({ pid: 10, url: "http://127.0.0.1:1", startedAt });
      await data.announce({ pid: 11, url: "http://127.0.0.1:2", startedAt });
      await data.retract(10);
      const path = `${folder}/data/server.json`;
      assertEquals(JSON.parse(await Deno.readTextFile(path)), {
        pid: 11,
        url: "http://127.0.0.1:2",
        started_at: startedAt,
      });
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
      await data.retract(11);
      await data.retract(11);
      assertEquals(await Array.fromAsync(Deno.readDir(`${folder}/data`)), []);
    }),
);
