import { assertEquals, assertStringIncludes } from "./assert.ts";
import type { TestNeeds } from "./needs.ts";

/** Set in the processes that tests start in network namespaces of their own. */
const VARIABLE = "BLOCKYARD_NAMESPACE_CASE";

/**
 * Registers tests each of which runs in a process and a network namespace of its own, with a loopback
 * device that is up: for what works on the namespace that the process is in.
 *
 * @param url The test file, `import.meta.url`.
 * @param options What the tests need; root is always needed.
 * @param cases The tests, by their names.
 */
export function namespaceCases(
  url: string,
  options: TestNeeds,
  cases: Readonly<Record<string, () => Promise<void>>>,
): void {
  const running = Deno.env.get(VARIABLE);
  for (const [name, action] of Object.entries(cases)) {
    Deno.test({
      ...options,
      name,
      ignore: options.ignore || (running !== undefined && running !== name),
      fn: running === undefined ? () => inNamespace(url, name) : action,
    });
  }
}

async function inNamespace(url: string, name: string): Promise<void> {
  const file = decodeURIComponent(new URL(url).pathname);
  const test = [Deno.execPath(), "test", "-A", "--no-prompt", "--sanitize-ops"];
  const { code, stdout, stderr } = await new Deno.Command("/usr/bin/unshare", {
    args: [
      ...["-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"],
      ...[...test, "--sanitize-resources", file],
    ],
    env: { [VARIABLE]: name, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assertEquals(code, 0, output);
  assertStringIncludes(output, "1 passed");
}
