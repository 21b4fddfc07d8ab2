import { appCommand, topLevelFiles } from "#src/backend/app_command.ts";
import { NotFoundError } from "#src/core/mod.ts";
import {
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const rPath = "/opt/R/4.4.2/bin/R";
const onPort = { rPath, on: { kind: "tcp", hostname: "127.0.0.1", port: 10_007 } } as const;
const onSocket = { rPath, on: { kind: "unix", path: "/run/blockyard/app.sock" } } as const;

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
    const { command, stopSignals } = appCommand({ cmd: undefined, files }, onPort);
    assertEquals(command, [rPath, "--no-echo", "--no-save", "--no-restore", "-e", code]);
    assertEquals(stopSignals, ["SIGINT", "SIGTERM"]);
  }
});

Deno.test("appCommand() has the same packages listen on a socket", strict, () => {
  const codeFor = (...files: string[]) =>
    appCommand({ cmd: undefined, files }, onSocket).command.at(-1);
  const begin = "local({p<-'/run/blockyard/app.sock';unlink(p);";
  assertEquals(
    codeFor("app.R"),
    `${begin}attr(p,'mask')<-63L;shiny::runApp('/app',port=p,launch.browser=FALSE)})`,
  );
  const plumber = codeFor("plumber.R");
  assertStringIncludes(plumber ?? "", `${begin}api<-plumber::plumb(dir='/app');`);
  assertStringIncludes(plumber ?? "", "httpuv::startPipeServer(p,63L,app,...)");
  assertEquals(plumber?.includes("\n"), false);
});

Deno.test("appCommand() fills in the socket of a program without a network", strict, () => {
  const cmd = ["serve", "--unix={socket}", "{socket}", "{other}"];
  assertEquals(appCommand({ cmd, files: [] }, onSocket).command, [
    "serve",
    "--unix=/run/blockyard/app.sock",
    "/run/blockyard/app.sock",
    "{other}",
  ]);
});

Deno.test("appCommand() refuses what it cannot fill in", strict, () => {
  for (
    const [arg, on, wanted] of [
      ["{port}", onSocket, "want {socket}"],
      ["a{host}", onSocket, "want {socket}"],
      ["{socket}", onPort, "want {host} and {port}"],
    ] as const
  ) {
    const error = assertThrows(
      () => appCommand({ cmd: ["serve", arg], files: [] }, on),
      RangeError,
    );
    assertStringIncludes(error.message, `cannot use "${arg}": {`);
    assertStringIncludes(error.message, wanted);
  }
});

Deno.test("appCommand() says what it wants when no file tells what the app is", strict, () => {
  const error = assertThrows(
    () => appCommand({ cmd: undefined, files: ["ui.R"] }, onPort),
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
  const { command, stopSignals } = appCommand({ cmd, files: [] }, onPort);
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
    assertEquals(appCommand({ cmd: [program], files: [] }, onPort).stopSignals, [
      "SIGINT",
      "SIGTERM",
    ]);
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
