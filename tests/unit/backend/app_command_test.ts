import { appCommand, topLevelFiles } from "#src/backend/app_command.ts";
import { NotFoundError, toPort } from "#src/core/mod.ts";
import { assertEquals, assertRejects, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const on = { rPath: "/opt/R/4.4.2/bin/R", hostname: "127.0.0.1", port: toPort(10_007) };

Deno.test("appCommand() chooses the runner by the files, in any case", strict, () => {
  const shiny = "shiny::runApp('/app',host='127.0.0.1',port=10007L,launch.browser=FALSE)";
  const plumber = "plumber::plumb(dir='/app')$run(host='127.0.0.1',port=10007L)";
  for (
    const [files, code] of [
      [["app.R", "data.csv"], shiny],
      [["App.r"], shiny],
      [["ui.R", "server.R"], shiny],
      [["plumber.R"], plumber],
      [["entrypoint.R"], plumber],
      [["plumber.R", "app.R"], shiny],
    ] as const
  ) {
    const { command, stopSignals } = appCommand({ cmd: undefined, files }, on);
    assertEquals(command, [on.rPath, "--no-echo", "--no-save", "--no-restore", "-e", code]);
    assertEquals(stopSignals, ["SIGINT", "SIGTERM"]);
  }
});

Deno.test("appCommand() says what it wants when no file tells what the app is", strict, () => {
  const error = assertThrows(
    () => appCommand({ cmd: undefined, files: ["ui.R"] }, on),
    NotFoundError,
  );
  assertEquals(
    error.message,
    "cannot tell how to run the app: want app.R, server.R or plumber.R in its folder, or cmd",
  );
});

Deno.test("appCommand() fills in where to listen, wherever it stands in cmd", strict, () => {
  const cmd = [
    "python3",
    "-m",
    "http.server",
    "--bind={host}",
    "{port}",
    "{port}{port}",
    "{other}",
  ];
  const { command, stopSignals } = appCommand({ cmd, files: [] }, on);
  assertEquals(command, [
    "python3",
    "-m",
    "http.server",
    "--bind=127.0.0.1",
    "10007",
    "1000710007",
    "{other}",
  ]);
  assertEquals(stopSignals, ["SIGTERM"]);
});

Deno.test("appCommand() asks R by SIGINT first, also when cmd names it", strict, () => {
  for (const program of ["R", "Rscript", "/usr/bin/Rscript"]) {
    assertEquals(appCommand({ cmd: [program], files: [] }, on).stopSignals, ["SIGINT", "SIGTERM"]);
  }
});

Deno.test("topLevelFiles() lists files and links, not folders", strict, async () => {
  const path = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${path}/app.R`, "");
    await Deno.mkdir(`${path}/server.R`);
    await Deno.symlink("app.R", `${path}/link.R`);
    assertEquals((await topLevelFiles({ kind: "directory", path })).sort(), ["app.R", "link.R"]);
    await assertRejects(
      () => topLevelFiles({ kind: "directory", path: `${path}/app.R` }),
      Error,
      "cannot read the app's folder",
    );
  } finally {
    await Deno.remove(path, { recursive: true });
  }
  assertEquals(await topLevelFiles({ kind: "files", files: { "app.R": "" } }), ["app.R"]);
});
