import { assertEquals } from "#tests/support/assert.ts";
import { load, problemsOf } from "./load_text.ts";

const SANE = { sanitizeOps: true, sanitizeResources: true };
const APPS = "apps: {a: {path: /a}, b: {path: /b, network: none}, c: {path: /c, network: host}}\n";

for (const network of ["host", "none"] as const) {
  Deno.test(`an app that names no network has the server's, ${network}`, SANE, () => {
    const { apps, process } = load(`process: {network: ${network}}\n${APPS}`);
    assertEquals([process.network, ...apps.map((app) => app.network)], [
      network,
      network,
      "none",
      "host",
    ]);
  });
}

Deno.test("a command that the server's network does not fit is told with its place", SANE, () => {
  const problem =
    "/etc/c.yaml:1:36 apps.a.cmd[1]: {port} has no meaning with network: none, want {socket}, the " +
    "path of a unix socket to listen on";
  const text = 'apps: {a: {path: /a, cmd: [/serve, "{port}"]}}';
  assertEquals(load(text).apps.length, 1);
  const env = { BLOCKYARD_PROCESS_NETWORK: "none" };
  assertEquals(problemsOf(text, { env }), [problem]);
  assertEquals(load('apps: {a: {path: /a, network: none, cmd: [/s, "{socket}"]}}').apps.length, 1);
});

Deno.test("a network that is not known is not also held against the command", SANE, () => {
  assertEquals(problemsOf('process: {network: x}\napps: {a: {path: /a, cmd: ["{socket}"]}}'), [
    '/etc/c.yaml:1:20 process.network: "x" is not known, want one of host, none',
  ]);
});

Deno.test("ports may be fewer than workers when no worker needs one", SANE, () => {
  const process = (network: string) =>
    `process: {network: ${network}, port_range_start: 10000, port_range_end: 10000}\n`;
  const apps = "apps: {a: {path: /a, network: none}}\n";
  assertEquals(load(process("none") + apps).process.portRangeEnd, 10_000);
  assertEquals(problemsOf(process("host") + apps).length, 1);
  assertEquals(problemsOf(process("none") + "apps: {a: {path: /a, network: host}}\n").length, 1);
});
