import { assertEquals } from "#tests/support/assert.ts";
import {
  childrenOf,
  descendantsOf,
  type HostProcess,
  processesOfUids,
  runningProcesses,
} from "#tests/support/host_processes.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { EXAMPLES } from "./example_apps.ts";
import { AppClient } from "./support/app_client.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ root: true, files: SERVER_FILES });

const apps = { hello: { path: `${EXAMPLES}/01_hello` } };

/** How long what the server leaves behind may live. */
const SURVIVAL_MS = 1000;
const KILLS = 20;
/** How long after the request that starts a worker the last kill comes. */
const LATEST_MS = 1500;
/** How long bwrap takes to make a sandbox, in milliseconds. */
const BWRAP_MS = 4;

Deno.test("when the server is killed, nothing runs a second later", options, async () => {
  await using folder = await tempFolder();
  await using server = await ServeProcess.start(folder, { apps });
  await new AppClient(server.url, "hello").text();
  await new AppClient(server.url, "hello").text();
  const ran = await killAndListChildren(server);
  assertEquals(ran.filter(({ name }) => name === "R").length, 2);
});

Deno.test(
  `${KILLS} servers that are killed amid a spawn leave nothing behind`,
  options,
  async () => {
    await using folder = await tempFolder();
    for (let kill = 0; kill < KILLS; kill++) {
      await using server = await ServeProcess.start(folder, { apps });
      const request = new AppClient(server.url, "hello").text().catch(() => "cut off");
      // Random, spread over the whole time, and dense at its start, where the sandbox is made.
      const delayMs = LATEST_MS * ((kill + Math.random()) / KILLS) ** 2;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await killAndListChildren(server, ` after ${delayMs.toFixed(0)} ms of a spawn`);
      await request;
    }
  },
);

Deno.test(
  "servers that are killed while bwrap makes the sandbox leave nothing behind",
  options,
  async () => {
    await using folder = await tempFolder();
    for (let kill = 0; kill < KILLS; kill++) {
      const delayMs = kill % BWRAP_MS;
      await using server = await ServeProcess.start(folder, { apps });
      const request = new AppClient(server.url, "hello").text().catch(() => "cut off");
      // A launcher has no child before it is bwrap; that child is on its way to become the app.
      await until(() => childrenOf(server.pid).some((pid) => childrenOf(pid).length > 0), {
        what: "no sandbox is made",
        everyMs: 1,
      });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      server.kill("SIGKILL");
      await server.ended();
      await assertNoneLeft(
        () => processesOfUids(server.ranges.uids),
        ` ${delayMs} ms after the sandbox's first process came`,
      );
      await request;
    }
  },
);

/** Kills a server, fails when anything of it runs for too long, and tells what ran below it. */
async function killAndListChildren(server: ServeProcess, when = ""): Promise<HostProcess[]> {
  // Stopped, it starts nothing between the list and the kill.
  server.kill("SIGSTOP");
  const below = descendantsOf(server.pid);
  server.kill("SIGKILL");
  await server.ended();
  const wasBelow = new Set(below.map(identity));
  const survivors = () => [
    ...processesOfUids(server.ranges.uids),
    ...runningProcesses().filter((process) => wasBelow.has(identity(process))),
  ];
  await assertNoneLeft(survivors, when);
  return below;
}

/** Fails when there are survivors for too long, and ends them. */
async function assertNoneLeft(survivors: () => HostProcess[], when: string): Promise<void> {
  try {
    await until(() => survivors().length === 0, {
      what: () => `still there${when}: ${JSON.stringify(survivors())}`,
      withinMs: SURVIVAL_MS,
    });
  } finally {
    for (const { pid } of survivors()) killIfThere(pid);
  }
}

function killIfThere(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function identity({ pid, startTime }: HostProcess): string {
  return `${pid} ${startTime}`;
}
