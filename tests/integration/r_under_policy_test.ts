/** What R's users do, under the built-in system call policy and in the real sandbox. */
import { get } from "node:http";
import { text } from "node:stream/consumers";
import type { Backend, WorkerAddress, WorkerSpec } from "#src/backend/mod.ts";
import type { NetworkMode } from "#src/core/mod.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { openTestBackend, wholeLog, workerSpec } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { until } from "#tests/support/until.ts";

const R = ["/usr/bin/bwrap", "/usr/bin/R"];
const PACKAGES = "/usr/lib/R/site-library";
const EXAMPLES = `${PACKAGES}/shiny/examples`;
const root = needs({ root: true, files: R });
const withShiny = needs({ root: true, files: [...R, EXAMPLES] });
const withPlumber = needs({ root: true, files: [...R, `${PACKAGES}/plumber`] });
const withPlots = needs({
  root: true,
  files: [...R, `${PACKAGES}/ggplot2`, `${PACKAGES}/svglite`],
});
/** Apps that start at the same time. */
const AT_ONCE = 3;
const NETWORKS: readonly NetworkMode[] = ["host", "none"];

/** The kernel's word that the process itself is under a filter. */
const SHOW_MODE = 'cat(grep("^Seccomp:", readLines("/proc/self/status"), value = TRUE), "\\n")';

/**
 * Runs an R script to its end, and gives the lines that it wrote after the one about the filter. On
 * the host's network its argument is a port that it may use.
 */
async function runR(script: string, network: NetworkMode): Promise<string[]> {
  await using host = await openTestBackend({ seccompProfile: { kind: "default" } });
  const spec = workerSpec({
    source: { kind: "files", files: { "script.R": `${SHOW_MODE}\n${script}` } },
    network,
    cmd: ["Rscript", "/app/script.R", ...(network === "host" ? ["{port}"] : [])],
  });
  await host.backend.spawn(spec);
  const log = await wholeLog(host.backend, spec.id);
  const said = log.map(({ text }) => text).join("\n");
  assertEquals(await host.backend.exited(spec.id), { kind: "code", code: 0 }, said);
  const [mode, ...lines] = log.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
  assertEquals(mode?.trim(), "Seccomp:\t2");
  return lines.map((line) => line.trim());
}

/** Starts an app, waits until it is healthy, and gives what it answers. */
async function visit(
  backend: Backend,
  { spec, path }: { spec: WorkerSpec; path: string },
): Promise<{ status: number; text: string }> {
  const { address } = await backend.spawn(spec);
  await until(async () => {
    const health = await backend.healthCheck(spec.id);
    if (health.status !== "exited") return health.status === "healthy";
    const log = await wholeLog(backend, spec.id);
    throw new Error(`it has ended: ${log.map(({ text }) => text).join(" | ")}`);
  }, { what: `${spec.id} was not healthy` });
  const answer = await ask(address, path);
  await backend.stop(spec.id, { graceMs: 0 });
  return answer;
}

async function ask(
  address: WorkerAddress,
  path: string,
): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const where = address.kind === "tcp"
    ? { host: address.hostname, port: address.port }
    : { socketPath: address.connectPath };
  get({ ...where, path, headers: { host: "localhost" }, agent: false }, (response) => {
    text(response).then(
      (body) => resolve({ status: response.statusCode ?? 0, text: body }),
      reject,
    );
  }).on("error", reject);
  return await promise;
}

for (const network of NETWORKS) {
  Deno.test(`${network}: Shiny's example apps start and answer`, withShiny, async () => {
    await using host = await openTestBackend({ seccompProfile: { kind: "default" } });
    const names = Array.from(Deno.readDirSync(EXAMPLES), ({ name }) => name).sort();
    assertEquals(names.length, 11);
    const answers = new Map<string, number>();
    const left = names.values();
    await Promise.all(Array.from({ length: AT_ONCE }, async () => {
      for (const name of left) {
        const spec = workerSpec({
          source: { kind: "directory", path: `${EXAMPLES}/${name}` },
          network,
        });
        const { status, text } = await visit(host.backend, { spec, path: "/" });
        assertMatch(text, /shiny[^"]*\.js/);
        answers.set(name, status);
      }
    }));
    assertEquals(
      names.map((name) => [name, answers.get(name)]),
      names.map((name) => [name, 200]),
    );
  });

  Deno.test(`${network}: a plumber API answers`, withPlumber, async () => {
    await using host = await openTestBackend({ seccompProfile: { kind: "default" } });
    const api = "#* @get /sum\n#* @serializer unboxedJSON\n" +
      "function(a, b) list(sum = as.numeric(a) + as.numeric(b))\n";
    const spec = workerSpec({ source: { kind: "files", files: { "plumber.R": api } }, network });
    const answer = await visit(host.backend, { spec, path: "/sum?a=1.5&b=2" });
    assertEquals(answer, { status: 200, text: '{"sum":3.5}' });
  });

  Deno.test(`${network}: R draws to PNG files with Cairo`, root, async () => {
    const lines = await runR(
      `
    png("/tmp/plot.png", type = "cairo")
    plot(faithful)
    invisible(dev.off())
    cat(format(readBin("/tmp/plot.png", "raw", 8)), "\\n")
    cat(file.size("/tmp/plot.png") > 1000, "\\n")
  `,
      network,
    );
    assertEquals(lines, ["89 50 4e 47 0d 0a 1a 0a", "TRUE"]);
  });

  Deno.test(`${network}: ggplot2 and svglite draw`, withPlots, async () => {
    const lines = await runR(
      `
    library(ggplot2)
    p <- ggplot(mpg, aes(displ, hwy)) + geom_point() + geom_smooth(method = "lm", formula = y ~ x)
    ggsave("/tmp/plot.svg", p, device = svglite::svglite, width = 4, height = 3)
    ggsave("/tmp/plot.png", p, type = "cairo", width = 4, height = 3)
    cat(sum(grepl("<circle", readLines("/tmp/plot.svg"))) > 100, "\\n")
    cat(file.size("/tmp/plot.png") > 1000, "\\n")
  `,
      network,
    );
    assertEquals(lines, ["TRUE", "TRUE"]);
  });

  Deno.test(`${network}: parallel forks, and makes clusters of R processes`, root, async () => {
    const lines = await runR(
      `
    library(parallel)
    main <- Sys.getpid()
    pids <- unlist(mclapply(1:2, function(i) Sys.getpid(), mc.cores = 2))
    cat(length(unique(pids)), main %in% pids, "\\n")
    cluster <- makePSOCKcluster(2, port = as.integer(c(commandArgs(TRUE), 11000)[1]))
    cat(unlist(parLapply(cluster, 1:3, function(i) i^2)), "\\n")
    stopCluster(cluster)
  `,
      network,
    );
    assertEquals(lines, ["2 FALSE", "1 4 9"]);
  });

  Deno.test(
    `${network}: R runs other programs, and knows its user, time zone and locale`,
    root,
    async () => {
      const lines = await runR(
        `
    cat(system("echo from a shell | tr a-z A-Z", intern = TRUE), "\\n")
    cat(Sys.info()[["user"]], Sys.info()[["nodename"]], "\\n")
    cat(nzchar(Sys.timezone()), l10n_info()[["UTF-8"]], "\\n")
  `,
        network,
      );
      assertEquals(lines, ["FROM A SHELL", "worker worker", "TRUE TRUE"]);
    },
  );
}

Deno.test("R downloads from a server", root, async () => {
  const body = "a,b\n1,2\n".repeat(5000);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response(body),
  );
  const lines = await runR(
    `
    address <- "http://127.0.0.1:${server.addr.port}/"
    cat(download.file(address, "/tmp/file", quiet = TRUE), file.size("/tmp/file"), "\\n")
    cat(nrow(read.csv(url(address))), "\\n")
  `,
    "host",
  );
  assertEquals(lines, [`0 ${body.length}`, "9999"]);
});
