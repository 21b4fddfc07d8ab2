import { loadConfig } from "#src/config/mod.ts";
import { hostPaths } from "#src/host_setup/mod.ts";
import { isWithin, storeSockets } from "#src/host_setup/host_paths.ts";
import { assertEquals } from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("hostPaths() lists what a configuration names, each once", UNIT, () => {
  const config = loadConfig({
    path: "/etc/by/blockyard.yaml",
    env: {},
    isRoot: true,
    readFile: () =>
      JSON.stringify({
        server: { admin_token_file: "/etc/by/token" },
        process: { r_path: "/opt/R/4.4.2/bin/R", seccomp_profile: "/etc/by/filter.bpf" },
        redis: { url: "redis+unix:///run/redis/redis.sock" },
        apps: {
          a: {
            path: "../../srv/a",
            mounts: [
              { source: "/data/in", target: "/in" },
              { source: "/data/out", target: "/out", read_only: false },
            ],
          },
          b: { path: "/srv/a", mounts: [{ source: "/data/in/", target: "/in" }] },
        },
      }),
  });
  assertEquals(
    hostPaths(config, { executable: "/opt/by", configPath: "/etc/by/blockyard.yaml" }),
    {
      read: [
        "/opt/by",
        "/etc/by/blockyard.yaml",
        "/etc/by/token",
        "/etc/by/filter.bpf",
        "/opt/R",
        "/opt/R/4.4.2/bin/R",
        "/run/redis/redis.sock",
        "/srv/a",
        "/data/in",
      ],
      written: ["/var/lib/blockyard", "/data/out"],
    },
  );
});

for (
  const [name, store, sockets] of [
    ["no store", { kind: "memory" }, []],
    ["Redis over TCP", redis("redis://user:pass@db.example/0"), []],
    ["Redis at a socket", redis("redis+unix:///run/my%20redis/s?db=1"), ["/run/my redis/s"]],
    ["Redis at a socket with a password", redis("unix://u:p%2Fq@/run/r.sock"), ["/run/r.sock"]],
    ["PostgreSQL over TCP", postgres("postgresql://u:p@127.0.0.1:5432/by"), []],
    ["PostgreSQL by host=", postgres("postgresql:///by?host=/run/postgresql"), ["/run/postgresql"]],
    ["PostgreSQL by host= in front of another", postgres("postgres://u@h/by?host=%2Frun%2Fpg"), [
      "/run/pg",
    ]],
    ["PostgreSQL in the place of a host", postgres("postgresql://u@%2Frun%2Fpg/by"), ["/run/pg"]],
  ] as const
) {
  Deno.test(`storeSockets() of ${name}`, UNIT, () => {
    assertEquals(storeSockets(store), [...sockets]);
  });
}

Deno.test("isWithin() takes whole names", UNIT, () => {
  assertEquals(["/home", "/home/a", "/homes/a", "/"].map((path) => isWithin(path, "/home")), [
    true,
    true,
    false,
    false,
  ]);
});

function redis(url: string) {
  return { kind: "redis", redis: { url, keyPrefix: "" } } as const;
}

function postgres(url: string) {
  return { kind: "postgres", database: { url } } as const;
}
