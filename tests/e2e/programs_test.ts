import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertStringIncludes,
} from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { AppClient } from "./support/app_client.ts";
import { SERVER_FILES } from "./support/executable.ts";
import { copyApp } from "./support/probe_app.ts";
import { ServeProcess } from "./support/server.ts";

const options = needs({ files: SERVER_FILES });
const withPlumber = needs({ files: [...SERVER_FILES, "/usr/lib/R/site-library/plumber"] });

Deno.test("a plumber API is served without a word about how to run it", withPlumber, async () => {
  await using folder = await tempFolder();
  const path = await copyApp(folder, "plumber");
  await using server = await ServeProcess.start(folder, { apps: { api: { path } } });
  const api = new AppClient(server.url, "api");
  assertEquals(await api.text("sum?a=1.5&b=2"), '{"sum":3.5}');
  const body = new Uint8Array(2_000_000);
  const headers = { "Content-Type": "application/octet-stream" };
  assertEquals(await api.text("size", { method: "POST", body, headers }), '{"size":2000000}');
  const unknown = await api.fetch("unknown");
  assertEquals(unknown.status, 404);
  assertStringIncludes(await unknown.text(), "404");
});

Deno.test("any program that speaks HTTP is served by cmd", options, async () => {
  await using folder = await tempFolder();
  const path = await copyApp(folder, "plain");
  const cmd = ["perl", "/app/serve.pl", "{host}", "{port}"];
  await using server = await ServeProcess.start(folder, { apps: { plain: { path, cmd } } });
  const plain = new AppClient(server.url, "plain");

  const first = await plain.text("a%2Fb/?x=1&y=%20");
  assertMatch(first, /^GET \/a%2Fb\/\?x=1&y=%20 HTTP\/1\.1\r\n/);
  assertMatch(first, /^X-Forwarded-Proto: http\r$/im);
  assertMatch(first, /^X-Forwarded-For: 127\.0\.0\.1\r$/im);

  assertStringIncludes(plain.headers.Cookie ?? "", "blockyard_session=");
  const second = await plain.text("", { headers: { "X-Mine": "kept" } });
  assertMatch(second, /^X-Mine: kept\r$/im);
  assertNotMatch(second, /blockyard_session/);
  assertEquals(server.records.filter(({ msg }) => msg === "worker started").length, 1);
});

Deno.test("a program that is not there has its reason shown", options, async () => {
  await using folder = await tempFolder();
  await folder.folder("empty");
  await using server = await ServeProcess.start(folder, {
    apps: {
      absent: { path: `${folder.path}/empty`, cmd: ["/usr/bin/no-such-program"] },
      nothing: { path: `${folder.path}/empty` },
    },
  });
  const absent = await fetch(`${server.url}/app/absent/`);
  assertEquals(absent.status, 502);
  assertStringIncludes(await absent.text(), "/usr/bin/no-such-program");
  const nothing = await fetch(`${server.url}/app/nothing/`);
  assertEquals(nothing.status, 502);
  const text = await nothing.text();
  assert(text.includes("want app.R, server.R or plumber.R in its folder, or cmd"), text);
});
