import type { Delegation } from "#src/cgroup/mod.ts";
import { loadConfig } from "#src/config/mod.ts";
import { judgeGroupLimits, wantedLimits } from "#src/preflight/group_limits.ts";
import { assertEquals } from "#tests/support/assert.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };

const FILE = `
server: { default_memory_limit: 1g }
apps:
  a: { path: /srv/a, cpu_limit: 0.5 }
  b: { path: /srv/b }
  c: { path: /srv/c, memory_limit: 64m, cpu_limit: 2 }
`;

function wanted(file: string) {
  return wantedLimits(
    loadConfig({ path: "/c.yaml", env: {}, isRoot: true, readFile: () => file }),
  );
}

const place = { folder: "/sys/fs/cgroup/x", standing: "delegated", hasKill: true } as const;
const LIMITS: Delegation = {
  kind: "limits",
  ...place,
  controllers: ["cpu", "memory", "pids"],
};
const MEMORY_ONLY: Delegation = {
  kind: "grouping",
  ...place,
  controllers: ["memory", "pids"],
  missing: [{ name: "cpu", why: "parent" }],
};
const NOTHING: Delegation = { kind: "none", obstacle: "no_mount", reason: "there is none" };

Deno.test("wantedLimits() lists every limit that takes a controller, by its key", strict, () => {
  assertEquals(wanted(FILE).map(({ key, controller }) => `${key} ${controller}`), [
    "server.default_memory_limit memory",
    "apps.a.cpu_limit cpu",
    "apps.c.memory_limit memory",
    "apps.c.cpu_limit cpu",
  ]);
  assertEquals(wanted("apps: { b: { path: /srv/b } }"), []);
});

Deno.test("limits are enforced where their controllers are to be had", strict, () => {
  assertEquals(judgeGroupLimits(wanted("server: { default_cpu_limit: 1 }"), LIMITS), [{
    severity: "ok",
    message: "the cgroups of workers enforce server.default_cpu_limit",
  }]);
});

Deno.test("limits that cannot be enforced are named, and only those", strict, () => {
  assertEquals(judgeGroupLimits(wanted(FILE), MEMORY_ONLY), [{
    severity: "warning",
    message: "workers are not held to apps.a.cpu_limit and apps.c.cpu_limit, because their " +
      "cgroups have no controller for cpu",
    fix: { kind: "advice", text: "See what cgroup_delegation says, and do that" },
  }]);
  const [finding] = judgeGroupLimits(wanted(FILE), NOTHING);
  assertEquals(
    finding?.message,
    "workers are not held to server.default_memory_limit, apps.a.cpu_limit, apps.c.memory_limit " +
      "and apps.c.cpu_limit, because their cgroups have no controller for memory and cpu",
  );
});
