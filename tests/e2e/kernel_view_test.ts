import { assert, assertEquals, assertNotEquals } from "#tests/support/assert.ts";
import { namespaceOf, openFiles, processesOfUids } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { EXAMPLES } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { assertConfined } from "./support/kernel_view.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ root: true, files: SERVER_FILES });

const apps = {
  hello: { path: `${EXAMPLES}/01_hello` },
  text: { path: `${EXAMPLES}/02_text` },
};

Deno.test(
  "the kernel shows every process of a worker as confined, under the uid allotted",
  options,
  async () => {
    await using folder = await tempFolder();
    await using server = await ServeProcess.start(folder, { apps });
    const { uids, gid } = server.ranges;
    await new AppClient(server.url, "hello").text();
    await new AppClient(server.url, "text").text();

    const hello = await server.rOf("hello");
    const text = await server.rOf("text");
    assertNotEquals(hello.uid, text.uid);
    for (const { r, uid } of [hello, text]) {
      assert(uid >= uids.start && uid <= uids.end, `${uid} is outside the range`);
      assertConfined(r.pid, { uid, gid, server: server.pid });
    }
    for (const kind of ["user", "mnt", "pid", "ipc", "uts"]) {
      assertNotEquals(namespaceOf(hello.r.pid, kind), namespaceOf(text.r.pid, kind));
    }
    for (const { uids: columns } of processesOfUids(uids)) {
      assertEquals(new Set(columns).size, 1, "some columns have another uid than others");
    }
  },
);

Deno.test("a worker has nothing open that the server has, except its output", options, async () => {
  await using folder = await tempFolder();
  const secret = await folder.write("inherited", "of whoever started the server");
  // What a supervisor left open when it started the server passes through every exec.
  const prefix = ["sh", "-c", 'exec 9<"$0"; exec "$@"', secret];
  await using server = await ServeProcess.start(folder, { apps, prefix });
  await new AppClient(server.url, "hello").text();

  const ofServer = openFiles(server.pid);
  assertEquals(ofServer.get(9), secret);
  const { r } = await server.rOf("hello");
  const shared = Array.from(openFiles(r.pid))
    .filter(([fd]) => fd !== 1 && fd !== 2)
    // Such names are of a kind of file, not of one.
    .filter(([, target]) => target !== "/dev/null" && !target.startsWith("anon_inode:"))
    .filter(([, target]) => [...ofServer.values()].includes(target));
  assertEquals(shared, []);
});
