import { bwrapHostUidMapping } from "#src/preflight/bwrap_host_uid_mapping.ts";
import type { Finding, PreflightHost } from "#src/preflight/mod.ts";
import { assertEquals } from "#tests/support/assert.ts";
import { strictEqual } from "node:assert/strict";
import { fakeHost } from "./fake_host.ts";
import { look } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

Deno.test("a sandbox that cannot be made says nothing about its uid", UNIT, async () => {
  const found = await bwrapHostUidMapping.run(fakeHost());
  strictEqual("severity" in found && found.severity, "warning");
});

Deno.test("without root there is nothing to look at, only to know", UNIT, async () => {
  const { identity } = fakeHost();
  const found = await bwrapHostUidMapping.run(
    fakeHost({ identity: { ...identity, isRoot: false } }),
  );
  strictEqual("severity" in found && found.severity, "info");
});

const IDS = { uid: 1_900_000_001, gid: 1_900_000_000 };

/** What the kernel shows of a process of a worker. */
function status(changes: Readonly<Record<string, string>> = {}): string {
  const four = (id: number) => Array(4).fill(id).join("\t");
  const fields = {
    State: "S (sleeping)",
    Uid: four(IDS.uid),
    Gid: four(IDS.gid),
    Groups: "",
    CapEff: "0000000000000000",
    NoNewPrivs: "1",
    ...changes,
  };
  return Object.entries(fields).map(([name, value]) => `${name}:\t${value}\n`).join("");
}

/** Looks at a host that shows these statuses of a sandbox's monitor, its first process and its program. */
async function lookAt(
  monitor: string,
  init: string,
  program: string,
): Promise<{ findings: readonly Finding[]; ends: number }> {
  let ends = 0;
  const { sandboxes } = fakeHost();
  const run: PreflightHost["sandboxes"]["run"] = async ({ whileRunning }) => {
    await whileRunning?.({ ...IDS, monitorPid: 76, initPid: 77, end: () => ends++ });
    return { code: 137, stdout: "", stderr: "" };
  };
  const files = {
    "proc/76/status": monitor,
    "proc/77/status": init,
    "proc/77/task/77/children": "78 ",
    "proc/78/comm": "sleep\n",
    "proc/78/status": program,
  };
  const host = { sandboxes: { ...sandboxes, run } };
  return { findings: await look(bwrapHostUidMapping, { files, host }), ends };
}

Deno.test("processes that all have the worker's ids, and nothing else, are ok", UNIT, async () => {
  assertEquals(await lookAt(status(), status(), status()), {
    findings: [{
      severity: "ok",
      message: "a worker's processes have uid 1900000001 and gid 1900000000 on the host and no " +
        "privileges",
    }],
    ends: 1,
  });
});

Deno.test(
  "a program that is root on the host is an error, whatever its monitor is",
  UNIT,
  async () => {
    const { findings } = await lookAt(status(), status(), status({ Uid: "0\t0\t0\t0" }));
    assertEquals(findings, [{
      severity: "error",
      message:
        "a worker that was given uid 1900000001 and gid 1900000000 differs on the host: the " +
        "program has Uid 0 0 0 0",
      fix: {
        kind: "advice",
        text: "Set process.bwrap_path to an unchanged bubblewrap without the set-user-id bit",
      },
    }]);
  },
);

Deno.test("what a zombie shows is taken for nothing, good or bad", UNIT, async () => {
  const zombie = status({ State: "Z (zombie)" });
  for (
    const [what, monitor, init, program] of [
      ["monitor", zombie, status(), status()],
      ["init", status(), zombie, status()],
      ["program", status(), status(), status({ State: "Z (zombie)", Uid: "0\t0\t0\t0" })],
    ] as const
  ) {
    const { findings, ends } = await lookAt(monitor, init, program);
    assertEquals(findings.map(({ severity, message }) => [severity, message]), [[
      "warning",
      `a worker's uid on the host could not be looked at: the ${what} had ended`,
    ]]);
    assertEquals(ends, 1);
  }
});
