/** What a real server has open, against what the check of open files counts with. */
import {
  BASE_FDS,
  LAUNCHER_FDS,
  SESSION_FDS,
  SOCKET_FDS,
  WORKER_FDS,
} from "#src/preflight/fd_need.ts";
import { selfCommand } from "#src/self_command.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { openFiles } from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";

const APP = "/usr/lib/R/site-library/shiny/examples/01_hello";

for (
  const [network, perWorker] of [["host", WORKER_FDS], ["none", WORKER_FDS + SOCKET_FDS]] as const
) {
  Deno.test(
    `a server has no more files open than is counted for it, its workers and their sessions, network: ${network}`,
    needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R", APP] }),
    async () => {
      await using folder = await tempFolder();
      await using server = await startServer(folder, network);
      // What it did to start goes on for a moment.
      const atRest = await settled(server.pid);
      assert(atRest <= BASE_FDS + LAUNCHER_FDS, `${atRest} files are open`);

      const sessions = [await openSession(server.port), await openSession(server.port)];
      await server.logged("worker started", 1);
      const withTwo = await settled(server.pid);
      await using stack = new AsyncDisposableStack();
      stack.defer(() => sessions.forEach((session) => session.close()));
      // Two sessions on one worker, and two more on the next.
      const added = withTwo - atRest;
      assert(added > 2 && added <= perWorker + 2 * SESSION_FDS, `${added} files were added`);
      sessions.push(await openSession(server.port), await openSession(server.port));
      await server.logged("worker started", 2);
      const addedThen = await settled(server.pid) - withTwo;
      assert(addedThen > 2 && addedThen <= perWorker + 2 * SESSION_FDS, `${addedThen} were added`);
    },
  );
}

interface TestServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  logged(message: string, times: number): Promise<unknown>;
}

async function startServer(folder: TempFolder, network: string): Promise<TestServer> {
  const uids = 1_962_000_000 + (Deno.pid % 400) * 1000;
  const port = freePort();
  const config = await folder.write(
    "blockyard.yaml",
    JSON.stringify({
      server: { data_dir: `${folder.path}/data`, bind: `127.0.0.1:${port}` },
      process: {
        network,
        port_range_start: 31_000,
        port_range_end: 31_019,
        worker_uid_range_start: uids,
        worker_uid_range_end: uids + 19,
        worker_gid: uids,
      },
      proxy: { max_workers: 5 },
      apps: { hello: { path: APP, max_sessions_per_worker: 2 } },
    }),
  );
  const { program, args, env } = selfCommand(["serve", "--config", config, "--skip-preflight"]);
  const child = new Deno.Command(program, {
    args: [...args],
    env: { ...env, PATH: "/usr/bin:/bin" },
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const read = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) log += text;
  })();
  const logged = (message: string, times: number) =>
    until(() => log.split(message).length > times, {
      what: () => `"${message}" is not in the log: ${log}`,
    });
  const server: TestServer = {
    pid: child.pid,
    port,
    logged,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await read;
    },
  };
  try {
    await logged('"serving"', 1);
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Opens the page and its WebSocket, as a browser without a session does. */
async function openSession(port: number): Promise<Deno.TcpConn> {
  const page = await fetch(`http://127.0.0.1:${port}/app/hello/`);
  await page.text();
  assertEquals(page.status, 200);
  const cookie = page.headers.getSetCookie()[0]?.split(";")[0];
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    "GET /app/hello/websocket/ HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    `Cookie: ${cookie}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ];
  await connection.write(new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`));
  const buffer = new Uint8Array(1024);
  const length = await connection.read(buffer) ?? 0;
  assertStringIncludes(new TextDecoder().decode(buffer.subarray(0, length)), "HTTP/1.1 101 ");
  return connection;
}

/** How many files a process has open once that number stays the same for a moment. */
async function settled(pid: number): Promise<number> {
  let last = -1;
  let same = 0;
  return await until(() => {
    const count = openFiles(pid).size;
    same = count === last ? same + 1 : 0;
    last = count;
    return same === 10 && count;
  }, { what: "the number of open files does not settle", everyMs: 100 });
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
