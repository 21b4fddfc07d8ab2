import {
  bwrapArgs,
  bwrapOptions,
  type JobArg,
  sandboxEnvironment,
  type SandboxSpec,
} from "#src/sandbox/mod.ts";
import { assert, assertEquals, assertThrows } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

function spec(changes: Partial<SandboxSpec> = {}): SandboxSpec {
  return {
    uid: 1_900_000_001,
    gid: 1_900_000_000,
    network: "host",
    layout: {
      rootEntries: [
        { kind: "symlink", name: "bin", target: "usr/bin" },
        { kind: "directory", name: "lib64" },
      ],
      keyLists: ["/proc/keys"],
      canDisableUserns: true,
      canLandlock: false,
    },
    toolTrees: [],
    app: { kind: "directory", path: "/srv/apps/hello" },
    mounts: [],
    env: { HOME: "/tmp", TOKEN: "secret" },
    workDir: "/app",
    seccomp: undefined,
    tmpBytes: 1000,
    shmBytes: 2000,
    command: ["/usr/bin/R", "-e", "1"],
    ...changes,
  };
}

/** Whether some words stand one after the other in the options. */
function has(options: readonly JobArg[], ...words: JobArg[]): boolean {
  return options.some((_, at) =>
    words.every((word, index) => JSON.stringify(options[at + index]) === JSON.stringify(word))
  );
}

function indexOf(options: readonly JobArg[], ...words: string[]): number {
  const at = options.findIndex((_, start) => words.every((word, i) => options[start + i] === word));
  assert(at !== -1, words.join(" "));
  return at;
}

Deno.test(
  "bwrapArgs() keeps every option, and so the environment, out of the command line",
  strict,
  () => {
    const args = bwrapArgs(spec());
    assertEquals([args[0], ...args.slice(2)], ["--args", "--", "/usr/bin/R", "-e", "1"]);
    const visible = args.filter((arg) => typeof arg === "string").join(" ");
    assertEquals(visible.includes("secret"), false);
    assert(
      typeof args[1] === "object" && "list" in args[1] &&
        has(args[1].list, "--setenv", "TOKEN", "secret"),
    );
  },
);

Deno.test(
  "bwrapOptions() asks for every namespace but the network's, and for no capability",
  strict,
  () => {
    const options = bwrapOptions(spec());
    for (
      const flag of [
        ...["--unshare-user", "--unshare-pid", "--unshare-uts", "--unshare-ipc"],
        ...[
          "--unshare-cgroup-try",
          "--disable-userns",
          "--die-with-parent",
          "--new-session",
          "--clearenv",
        ],
      ]
    ) assert(options.includes(flag), flag);
    assertEquals(options.includes("--unshare-net"), false);
    assert(has(options, "--cap-drop", "ALL"));
    assert(has(options, "--uid", "1900000001") && has(options, "--gid", "1900000000"));
  },
);

Deno.test(
  "bwrapOptions() gives a worker without a network a small folder to listen in",
  strict,
  () => {
    const options = bwrapOptions(spec({ network: "none" }));
    assert(options.includes("--unshare-net"));
    const folder = indexOf(
      options,
      ...["--size", "65536", "--perms", "0700", "--tmpfs", "/run/blockyard"],
    );
    // In a folder that bwrap has made, and before anything that an app's owner decides about.
    assert(folder > indexOf(options, "--dir", "/run"));
    assert(folder < indexOf(options, "--ro-bind", "/srv/apps/hello", "/app"));
    assertEquals(bwrapOptions(spec()).includes("/run/blockyard"), false);
  },
);

Deno.test(
  "bwrapOptions() shows an empty file in place of each list of keys that the kernel has",
  strict,
  () => {
    const options = bwrapOptions(spec());
    const empty = ["--perms", "0444", "--ro-bind-data", { data: "" }];
    assert(has(options, "--proc", "/proc") && has(options, ...empty, "/proc/keys"));
    const layout = { ...spec().layout, keyLists: [] };
    assertEquals(bwrapOptions(spec({ layout })).includes("--ro-bind-data"), false);
  },
);

Deno.test(
  "bwrapOptions() leaves --disable-userns out where the host does not let bwrap do it",
  strict,
  () => {
    const layout = { rootEntries: [], keyLists: [], canDisableUserns: false, canLandlock: false };
    assertEquals(bwrapOptions(spec({ layout })).includes("--disable-userns"), false);
  },
);

Deno.test(
  "bwrapOptions() rebuilds merged and unmerged system folders as the host has them",
  strict,
  () => {
    const options = bwrapOptions(spec());
    assert(has(options, "--ro-bind", "/usr", "/usr"));
    assert(has(options, "--symlink", "usr/bin", "/bin"));
    assert(has(options, "--ro-bind", "/lib64", "/lib64"));
    assertEquals(options.includes("/sbin"), false);
  },
);

Deno.test(
  "bwrapOptions() sizes what is writable, and makes the rest read-only at the end",
  strict,
  () => {
    const options = bwrapOptions(spec());
    assert(has(options, "--size", "1000", "--perms", "1777", "--tmpfs", "/tmp"));
    assert(has(options, "--size", "2000", "--perms", "1777", "--tmpfs", "/dev/shm"));
    assert(indexOf(options, "--remount-ro", "/dev") > indexOf(options, "--tmpfs", "/dev/shm"));
    assert(
      indexOf(options, "--remount-ro", "/") >
        indexOf(options, "--ro-bind", "/srv/apps/hello", "/app"),
    );
  },
);

Deno.test("bwrapOptions() knows the worker and nobody, and nobody else", strict, () => {
  const layout = { ...spec().layout, keyLists: [] };
  const dataOf = (changes: Partial<SandboxSpec>) =>
    bwrapOptions(spec({ layout, ...changes })).flatMap((arg) =>
      typeof arg === "object" && "data" in arg ? [arg.data] : []
    );
  assertEquals(dataOf({}), [
    "worker:x:1900000001:1900000000:worker:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "worker:x:1900000000:\nnogroup:x:65534:\n",
  ]);
  const asNobody = dataOf({ uid: 65534, gid: 65534 });
  assertEquals(asNobody.map((text) => text.split("\n").length), [2, 2]);
});

Deno.test("bwrapOptions() puts files from memory into /app, by plain names only", strict, () => {
  const files = (names: Record<string, string>) => spec({ app: { kind: "files", files: names } });
  assert(
    has(
      bwrapOptions(files({ "app.R": "1" })),
      "--perms",
      "0444",
      "--file",
      { data: "1" },
      "/app/app.R",
    ),
  );
  for (const name of ["../x", "a/b", "", ".", ".Rprofile", "a\nb", "-x"]) {
    assertThrows(() => bwrapOptions(files({ [name]: "" })), RangeError, "want a plain file name");
  }
});

Deno.test("bwrapOptions() mounts at top-level names of their own only", strict, () => {
  const at = (target: string, more: Partial<SandboxSpec> = {}) =>
    bwrapOptions(spec({ mounts: [{ source: "/srv/data", target, readOnly: true }], ...more }));
  assert(has(at("/data"), "--ro-bind", "/srv/data", "/data"));
  for (
    const target of [
      "/app/data",
      "/app",
      "/usr",
      "/data/x",
      "data",
      "/..",
      "/",
      "/etc",
      "/tmp",
      "/proc",
    ]
  ) {
    assertThrows(() => at(target), RangeError, "cannot mount at");
  }
  const twice = [{ source: "/a", target: "/data", readOnly: true }, {
    source: "/b",
    target: "/data",
    readOnly: false,
  }];
  assertThrows(
    () => bwrapOptions(spec({ mounts: twice })),
    RangeError,
    "cannot mount at /data: it is in use",
  );
  const toolTrees = [{ source: "/software/R", target: "/software/R", readOnly: true }];
  assertThrows(
    () => at("/software", { toolTrees }),
    RangeError,
    "cannot mount at /software: it is in use",
  );
});

Deno.test(
  "bwrapOptions() shows programs from elsewhere read-only, also from below /tmp",
  strict,
  () => {
    const toolTrees = [{ source: "/tmp/R", target: "/tmp/R", readOnly: true }];
    const options = bwrapOptions(spec({ toolTrees }));
    assert(indexOf(options, "--ro-bind", "/tmp/R", "/tmp/R") > indexOf(options, "--tmpfs", "/tmp"));
  },
);

Deno.test("bwrapOptions() binds writable mounts as such", strict, () => {
  const mounts = [{ source: "/srv/out", target: "/out", readOnly: false }];
  assert(has(bwrapOptions(spec({ mounts })), "--bind", "/srv/out", "/out"));
});

Deno.test(
  "bwrapOptions() refuses an environment that cannot be passed, without showing values",
  strict,
  () => {
    for (const name of ["", "A=B", "1A", "A-B", "A\0"]) {
      assertThrows(
        () => bwrapOptions(spec({ env: { [name]: "secret" } })),
        RangeError,
        "want a name",
      );
    }
    const error = assertThrows(() => bwrapOptions(spec({ env: { A: "secret\0" } })), RangeError);
    assertEquals(error.message, "cannot set environment variable A: its value contains NUL");
  },
);

Deno.test("bwrapArgs() refuses an empty command", strict, () => {
  assertThrows(() => bwrapArgs(spec({ command: [] })), RangeError, "empty command");
});

Deno.test(
  "sandboxEnvironment() gives the basics, lets the app's owner win, and finds the worker's R first",
  strict,
  () => {
    const env = sandboxEnvironment({ LANG: "de_DE.UTF-8", TOKEN: "x" }, {
      binFolders: ["/opt/R/4.4.2/bin", "/usr/bin"],
    });
    assertEquals(env, {
      PATH: "/opt/R/4.4.2/bin:/usr/bin:/usr/local/bin:/bin",
      HOME: "/tmp",
      TMPDIR: "/tmp",
      USER: "worker",
      LOGNAME: "worker",
      LANG: "de_DE.UTF-8",
      TOKEN: "x",
    });
  },
);
