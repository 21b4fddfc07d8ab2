import { bwrapHostUidMapping } from "#src/preflight/bwrap_host_uid_mapping.ts";
import { strictEqual } from "node:assert/strict";
import { fakeHost } from "./fake_host.ts";

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
