import type { BenchContext, Benchmark } from "./support/benchmark.ts";
import { firstByteOf, type TimedResponse } from "./support/first_byte_of.ts";
import { interleave, pause } from "./support/interleave.ts";
import type { Reading } from "./support/reading.ts";
import { type Serving, startServing } from "./support/serving.ts";

/** Where Debian's package puts Shiny's own examples. */
const APP = "/usr/lib/R/site-library/shiny/examples/01_hello";
/** What tells the app's page from any other. */
const TITLE = "Hello Shiny!";
/** Pause between attempts to reach the bare app, in milliseconds: a hundredth of its start. */
const CONNECT_POLL_MS = 5;
/** How long an app may take to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 60_000;
/** For what the other side left behind to be over, in milliseconds. */
const SETTLE_MS = 300;

/**
 * A Shiny app that does not run yet: from the request to the first byte of its page through
 * `serve`, against a bare Rscript from its start to the first byte of the same page.
 */
export const firstByteBenchmark: Benchmark = {
  name: "first_byte",
  programs: [
    { name: "bwrap", debianPackage: "bubblewrap" },
    { name: "Rscript", debianPackage: "r-base-core" },
  ],
  usesExecutable: true,
  async run({ quick, executable, folder }: BenchContext): Promise<Reading[]> {
    const start = async (name: string, settings: Settings) => {
      const own = `${folder}/${name}`;
      await Deno.mkdir(own);
      await Deno.writeTextFile(`${own}/blockyard.yaml`, configuration(own, settings));
      return await startServing(executable, `${own}/blockyard.yaml`);
    };
    await using usual = await start("usual", { block: 0, seccomp: "default", network: "host" });
    await using closed = await start("closed", { block: 1, seccomp: "default", network: "none" });
    await using open = await start("open", { block: 2, seccomp: "none", network: "host" });
    const schedule = { samples: quick ? 5 : 20, warmups: 1, settle: pause(SETTLE_MS) };
    const compare = async (
      { row, wanted, ...sides }: {
        row: string;
        wanted: string;
        subject: () => Promise<number>;
        baseline: () => Promise<number>;
      },
    ): Promise<Reading> => {
      const pairs = await interleave(sides, schedule);
      return { benchmark: "first_byte", row, unit: "ms", wanted, ...pairs };
    };
    return [
      await compare({
        row: "01_hello, cold",
        wanted: "≤ 1.1",
        subject: () => coldStart(usual),
        baseline: bareStart,
      }),
      await compare({
        row: "filtered and without a network, against neither",
        wanted: "≤ 1.05",
        subject: () => coldStart(closed),
        baseline: () => coldStart(open),
      }),
    ];
  },
};

/** How a server of these benches differs from the others. */
interface Settings {
  /** Which of the ten blocks of ids of this process is its. */
  readonly block: number;
  readonly seccomp: "default" | "none";
  readonly network: "host" | "none";
}

/** Sessions and workers end at once, so that every request finds no worker. */
function configuration(folder: string, { block, seccomp, network }: Settings): string {
  // Other servers of this machine keep to their own ids.
  const firstUid = 1_920_000_000 + Deno.pid % 400 * 1000 + block * 100;
  const firstPort = 10_000 + Deno.pid % 400 * 50 + block * 10;
  return `
server: { bind: "127.0.0.1:0", data_dir: ${folder}/data }
process:
  worker_uid_range_start: ${firstUid}
  worker_uid_range_end: ${firstUid + 9}
  worker_gid: ${firstUid}
  port_range_start: ${firstPort}
  port_range_end: ${firstPort + 9}
  seccomp_profile: ${seccomp}
  network: ${network}
proxy: { session_idle_ttl: 100ms, idle_worker_timeout: 100ms, max_workers: 10 }
apps:
  hello: { path: ${APP} }
`;
}

async function coldStart(serving: Serving): Promise<number> {
  const startedBefore = serving.timesSaid("worker started");
  const response = await firstByteOf("/app/hello/", {
    port: serving.port,
    sinceMs: performance.now(),
  });
  checkPage(response);
  await serving.said("worker exited");
  const started = serving.timesSaid("worker started") - startedBefore;
  if (started !== 1) throw new Error(`one request started ${started} workers: want one cold start`);
  return response.firstByteMs;
}

async function bareStart(): Promise<number> {
  const port = freePort();
  const code = `shiny::runApp('${APP}',host='127.0.0.1',port=${port}L,launch.browser=FALSE)`;
  const command = new Deno.Command("Rscript", {
    args: ["--no-save", "--no-restore", "-e", code],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const sinceMs = performance.now();
  const child = command.spawn();
  try {
    const response = await whenReachable(port, sinceMs);
    checkPage(response);
    return response.firstByteMs;
  } finally {
    child.kill("SIGTERM");
    await child.status;
  }
}

async function whenReachable(port: number, sinceMs: number): Promise<TimedResponse> {
  for (;;) {
    try {
      return await firstByteOf("/", { port, sinceMs });
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    }
    if (performance.now() - sinceMs > ANSWER_TIMEOUT_MS) {
      throw new Error(`the bare app did not answer within ${ANSWER_TIMEOUT_MS} ms`);
    }
    await pause(CONNECT_POLL_MS)();
  }
}

function checkPage({ text }: TimedResponse): void {
  if (/^HTTP\/1\.1 200 /.test(text) && text.includes(TITLE)) return;
  throw new Error(`the app answered with another page: ${text.slice(0, 500)}`);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
