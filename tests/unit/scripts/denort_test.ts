import {
  compileArgs,
  denortCandidates,
  type DenortPlace,
  findDenort,
} from "#scripts/build/denort.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

function place(env: Record<string, string>): DenortPlace {
  return {
    version: "2.9.6",
    target: "x86_64-unknown-linux-gnu",
    execPath: "/opt/deno/bin/deno",
    getEnv: (name) => env[name],
  };
}

const ZIP = "dl/release/v2.9.6/denort-x86_64-unknown-linux-gnu.zip";

Deno.test(
  "denortCandidates() starts with DENORT_BIN, then beside deno, then the cache",
  sanitize,
  () => {
    assertEquals(denortCandidates(place({ DENORT_BIN: "/x/denort", DENO_DIR: "/cache" })), [
      "/x/denort",
      "/opt/deno/bin/denort",
      `/cache/${ZIP}`,
    ]);
  },
);

Deno.test(
  "denortCandidates() follows DENO_DIR, XDG_CACHE_HOME and HOME, in this order",
  sanitize,
  () => {
    const last = (env: Record<string, string>) => denortCandidates(place(env)).at(-1);
    assertEquals(last({ DENO_DIR: "/a", XDG_CACHE_HOME: "/b", HOME: "/c" }), `/a/${ZIP}`);
    assertEquals(last({ XDG_CACHE_HOME: "/b", HOME: "/c" }), `/b/deno/${ZIP}`);
    assertEquals(last({ HOME: "/c" }), `/c/.cache/deno/${ZIP}`);
    assertEquals(last({}), "/opt/deno/bin/denort");
  },
);

Deno.test("findDenort() takes the first candidate that exists", sanitize, () => {
  const there = new Set(["/opt/deno/bin/denort", `/a/${ZIP}`]);
  const env = place({ DENO_DIR: "/a" });
  assertEquals(findDenort(env, (path) => there.has(path)), "/opt/deno/bin/denort");
  assertEquals(findDenort(env, (path) => path === `/a/${ZIP}`), `/a/${ZIP}`);
});

Deno.test("findDenort() finds nothing on a machine without the runtime", sanitize, () => {
  assertEquals(findDenort(place({ HOME: "/home/me" }), () => false), undefined);
});

Deno.test(
  "findDenort() refuses a DENORT_BIN that is not there, instead of building otherwise",
  sanitize,
  () => {
    assertThrows(
      () => findDenort(place({ DENORT_BIN: "/x/denort" }), (path) => path !== "/x/denort"),
      Error,
      "DENORT_BIN=/x/denort",
    );
  },
);

Deno.test(
  "compileArgs() ends with the output and the entry, and leaves out unused packages",
  sanitize,
  () => {
    const args = compileArgs("main.ts", "/out/blockyard");
    assertEquals(args.slice(-3), ["--output", "/out/blockyard", "main.ts"]);
    assertEquals(args[0], "compile");
    assert(args.includes("--exclude-unused-npm"));
    assert(args.includes("--allow-all"));
  },
);
