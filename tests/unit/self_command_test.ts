import {
  LEAN_ENTRIES,
  ownExecutable,
  type Runtime,
  selfCommand,
  selfFiles,
} from "#src/self_command.ts";
import { assert, assertEquals, assertStringIncludes } from "#tests/support/assert.ts";

const sanitize = { sanitizeOps: true, sanitizeResources: true };

function runtime(kind: Runtime["kind"], env: Record<string, string> = {}): Runtime {
  return {
    kind,
    execPath: "/cache/f00d/deno",
    root: new URL("file:///srv/my%20code/"),
    getEnv: (name) => env[name],
  };
}

Deno.test(
  "selfCommand() of the single file starts the lean bundle without the shell",
  sanitize,
  () => {
    const { program, args, env } = selfCommand(
      ["bwrap-exec", "--uid", "7"],
      runtime("single-file"),
    );
    assertEquals(program, "/cache/f00d/deno");
    assertEquals(args.slice(-3), ["/cache/f00d/bwrap-exec.js", "--uid", "7"]);
    assertEquals(env, { DENO_DIR: "/cache/f00d/cache", DENO_NO_UPDATE_CHECK: "1" });
  },
);

Deno.test(
  "selfCommand() of the single file keeps a command that has no lean bundle",
  sanitize,
  () => {
    const { args } = selfCommand(["serve", "--demo"], runtime("single-file"));
    assertEquals(args.slice(-3), ["/cache/f00d/main.js", "serve", "--demo"]);
  },
);

Deno.test("selfCommand() of the compiled program passes everything on", sanitize, () => {
  const env = { HOME: "/home/me", SECRET: "x" };
  assertEquals(selfCommand(["bwrap-exec", "--uid", "7"], runtime("compiled", env)), {
    program: "/cache/f00d/deno",
    args: ["bwrap-exec", "--uid", "7"],
    env: { HOME: "/home/me" },
  });
});

Deno.test(
  "selfCommand() of a checkout runs the lean module with the checkout's config",
  sanitize,
  () => {
    const { args, env } = selfCommand(
      ["bwrap-exec", "a%20b"],
      runtime("source", { DENO_DIR: "/d", XDG_CACHE_HOME: "/x", HOME: "/h" }),
    );
    assertEquals(
      args.slice(-4),
      [
        "--config",
        "/srv/my code/deno.json",
        "/srv/my code/src/sandbox/bwrap_exec/main.ts",
        "a%20b",
      ].slice(-4),
    );
    assertEquals(env, {
      DENO_DIR: "/d",
      XDG_CACHE_HOME: "/x",
      HOME: "/h",
      DENO_NO_UPDATE_CHECK: "1",
    });
  },
);

Deno.test("selfCommand() does not take a word of Object.prototype for a command", sanitize, () => {
  const { args } = selfCommand(["constructor"], runtime("single-file"));
  assertEquals(args.slice(-2), ["/cache/f00d/main.js", "constructor"]);
});

Deno.test("selfCommand() without a runtime speaks of this very checkout", sanitize, async () => {
  const { program, args } = selfCommand(["bwrap-exec"]);
  assertEquals(program, Deno.execPath());
  const entry = args.at(-1) ?? "";
  assertStringIncludes(entry, LEAN_ENTRIES["bwrap-exec"] ?? "?");
  assert((await Deno.stat(entry)).isFile);
});

Deno.test("selfFiles() names what each kind of executable is made of", sanitize, () => {
  assertEquals(selfFiles(runtime("single-file")), ["/cache/f00d"]);
  assertEquals(selfFiles(runtime("compiled")), ["/cache/f00d/deno"]);
  assertEquals(selfFiles(runtime("source")), [
    "/cache/f00d/deno",
    "/srv/my code/deno.json",
    "/srv/my code/main.ts",
    "/srv/my code/src",
    "/srv/my code/ffi",
  ]);
  // What is below /usr is in every sandbox.
  const installed = { ...runtime("compiled"), execPath: "/usr/local/bin/blockyard" };
  assertEquals(selfFiles(installed), []);
});

Deno.test("ownExecutable() of the compiled program is what runs", sanitize, () => {
  assertEquals(ownExecutable(runtime("compiled")), "/cache/f00d/deno");
});

Deno.test("ownExecutable() of the single file is what its header was started as", sanitize, () => {
  const startedAs = (path: string) =>
    ownExecutable(runtime("single-file", { BLOCKYARD_EXECUTABLE: path }));
  assertEquals(startedAs("/usr/local/bin/blockyard"), "/usr/local/bin/blockyard");
  assertEquals(startedAs("./dist/../blockyard"), `${Deno.cwd()}/blockyard`);
  assertEquals(startedAs("blockyard"), undefined);
  assertEquals(ownExecutable(runtime("single-file")), undefined);
});

Deno.test(
  "ownExecutable() is unknown for a checkout, whatever the environment says",
  sanitize,
  () => {
    assertEquals(ownExecutable(runtime("source", { BLOCKYARD_EXECUTABLE: "/opt/by" })), undefined);
  },
);
