// deno-lint-ignore-file no-console -- a program that talks to the test over its output
/**
 * The server's part: it runs a worker that is to be left alone, and as another one the probes, which
 * try to get at it, at the server and at the host. Its one argument is a {@linkcode HostJob} in JSON,
 * its output a {@linkcode HostAnswer}.
 *
 * @module
 */
import type { Backend, WorkerSpec } from "#src/backend/mod.ts";
import { descendants } from "#src/backend/proc/mod.ts";
import { toUid } from "#src/core/mod.ts";
import { openTestBackend, wholeLog, workerSpec } from "#tests/support/host_backend.ts";
import type { HostAnswer, HostJob, Network } from "./host_job.ts";
import { type Outcome, parseOutcomes } from "./outcome.ts";

type Targets = Record<string, string>;

/** A port that a worker has to itself where it has no network. */
const PORT_WITHOUT_NETWORK = "8001";

/** Somebody who is to be left alone, and what is known of them. */
interface Victim extends AsyncDisposable {
  readonly targets: Targets;
}

/** A number that nobody else has given to objects of System V, sysvipc(7); 0 stands for none. */
function newKey(): string {
  return String(1 + Math.floor(Math.random() * 0x7fff_fffe));
}

/** Reads what a victim has, until it is ready. */
async function readTargets(lines: AsyncIterable<string>): Promise<Targets> {
  const targets: Targets = {};
  for await (const line of lines) {
    if (line === "ready") return targets;
    const end = line.indexOf("=");
    targets[line.slice(0, end)] = line.slice(end + 1);
  }
  throw new Error("a victim ended before it was ready");
}

/** Plays the server on the host, where this process has no ports and objects of its own. */
async function startServer(job: HostJob): Promise<Victim> {
  const child = new Deno.Command(`${job.path}/app/victim`, {
    args: [
      ...["server", "0.0.0.0", "0", "::", "0", "--", newKey(), `${job.path}/run`],
      job.targets.secret ?? "",
    ],
    stdout: "piped",
  }).spawn();
  const targets = await readTargets(linesOf(child.stdout.pipeThrough(new TextDecoderStream())));
  return {
    targets,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

async function* linesOf(text: ReadableStream<string>): AsyncGenerator<string> {
  let pending = "";
  for await (const chunk of text) {
    const lines = (pending + chunk).split("\n");
    pending = lines.pop() ?? "";
    yield* lines;
  }
}

/** What workers of both kinds have in common. */
function spec(job: HostJob, network: Network, changes: Partial<WorkerSpec>): WorkerSpec {
  return workerSpec({
    source: { kind: "directory", path: `${job.path}/app` },
    network,
    ...changes,
  });
}

async function startNeighbour(
  backend: Backend,
  { job, network }: { job: HostJob; network: Network },
): Promise<Victim> {
  const port = network === "host" ? "{port}" : PORT_WITHOUT_NETWORK;
  const worker = spec(job, network, {
    cmd: [
      ...["/app/victim", "neighbour", "127.0.0.1", port, "::1", port, "--", newKey(), "/tmp"],
      job.targets.secret ?? "",
    ],
  });
  const { pid } = await backend.spawn(worker);
  const log = backend.logs(worker.id, { follow: true });
  const targets = await readTargets(textOf(log));
  const [, app] = await descendants(pid);
  return {
    targets: {
      ...targets,
      monitor_pid: String(pid),
      neighbour_pid: String(app),
    },
    [Symbol.asyncDispose]: async () => void await backend.stop(worker.id),
  };
}

async function* textOf(log: AsyncIterable<{ text: string }>): AsyncGenerator<string> {
  for await (const { text } of log) yield text;
}

async function writeTargets(path: string, targets: Targets): Promise<void> {
  const lines = Object.entries(targets).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(path, lines.join(""));
}

/** Runs a program as a worker of its own, to its end. */
async function runProbe(backend: Backend, worker: WorkerSpec): Promise<Outcome[]> {
  await backend.spawn(worker);
  const lines = await wholeLog(backend, worker.id);
  const exit = await backend.exited(worker.id);
  const text = (stream: string) =>
    lines.filter((line) => line.stream === stream).map((line) => line.text);
  if (exit.kind !== "code" || exit.code !== 0) {
    throw new Error(`a probe ended with ${JSON.stringify(exit)}: ${text("stderr").join("\n")}`);
  }
  return parseOutcomes(text("stdout"));
}

async function tryFromSandbox(
  backend: Backend,
  { job, network, known }: { job: HostJob; network: Network; known: Targets },
): Promise<Outcome[]> {
  await using neighbour = await startNeighbour(backend, { job, network });
  const source = `${job.path}/run/targets-${network}`;
  const targets = { ...known, ...neighbour.targets, app: "/app", scratch: "/tmp" };
  await writeTargets(source, targets);
  const mounts = [{ source, target: "/targets", readOnly: true }];
  const probe = (...cmd: string[]) => runProbe(backend, spec(job, network, { cmd, mounts }));
  return [
    ...await probe("/app/probe", "/targets"),
    ...await probe("Rscript", "--vanilla", "/app/probe.R", "/targets"),
  ];
}

/** The same uid with nothing around it shows what the sandbox is for, and that attempts can succeed. */
async function tryOutside(
  backend: Backend,
  { job, known }: { job: HostJob; known: Targets },
): Promise<Outcome[]> {
  await using neighbour = await startNeighbour(backend, { job, network: "host" });
  const path = `${job.path}/run/targets-outside`;
  const { app, scratch } = { app: `${job.path}/app`, scratch: `${job.path}/scratch` };
  await writeTargets(path, { ...known, ...neighbour.targets, app, scratch });
  const outcomes: Outcome[] = [];
  for (const [program = "", ...args] of [[`${app}/probe`], ["Rscript", `${app}/probe.R`]]) {
    const { stdout, stderr, success } = await new Deno.Command(program, { args: [...args, path] })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(`${program} failed: ${text(stderr)}`);
    outcomes.push(...parseOutcomes(text(stdout).trimEnd().split("\n")));
  }
  return outcomes;
}

async function main(job: HostJob): Promise<void> {
  const [start, end] = job.uids;
  await using host = await openTestBackend({
    workerUidRangeStart: toUid(start),
    workerUidRangeEnd: toUid(end),
  });
  await using server = await startServer(job);
  const known = {
    ...job.targets,
    ...server.targets,
    server_pid: String(Deno.pid),
    key_id: Deno.env.get("ESCAPE_KEY_ID") ?? "",
  };
  const answer: Partial<Record<Network | "outside", Outcome[]>> = {};
  for (const network of job.networks) {
    answer[network] = await tryFromSandbox(host.backend, { job, network, known });
  }
  if (job.withoutSandbox) answer.outside = await tryOutside(host.backend, { job, known });
  console.log(JSON.stringify(answer satisfies HostAnswer));
}

if (import.meta.main) {
  await main(JSON.parse(Deno.args[0] ?? ""));
  Deno.exit(0);
}
