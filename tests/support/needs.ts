/**
 * Tests that need a part of the host which is not there are skipped with a line that says what is
 * missing. With BLOCKYARD_TESTS_MUST_RUN=1 nothing is skipped, so that they fail instead.
 *
 * @module
 */

/** Options for `Deno.test`. */
export interface TestNeeds {
  /** Whether the test is skipped. */
  readonly ignore: boolean;
  /** Every async operation must have ended with the test. */
  readonly sanitizeOps: true;
  /** Everything that was opened must be closed with the test. */
  readonly sanitizeResources: true;
}

/**
 * Says what tests need.
 *
 * @param parts `root`: the tests run as root; `files`: absolute paths that must exist; `others`:
 * whether what else they need is there, by its name.
 * @returns Options for `Deno.test`, with the sanitizers on.
 */
export function needs(
  parts: {
    root?: boolean;
    files?: readonly string[];
    others?: Readonly<Record<string, boolean>>;
  } = {},
): TestNeeds {
  const missing = (parts.files ?? []).filter((path) => !exists(path));
  for (const [name, isThere] of Object.entries(parts.others ?? {})) {
    if (!isThere) missing.push(name);
  }
  if (parts.root && Deno.uid() !== 0) missing.push("root");
  const ignore = missing.length > 0 && Deno.env.get("BLOCKYARD_TESTS_MUST_RUN") !== "1";
  if (ignore) {
    const line = `tests are skipped, because this is missing: ${missing.join(", ")}\n`;
    Deno.stderr.writeSync(new TextEncoder().encode(line));
  }
  return { ignore, sanitizeOps: true, sanitizeResources: true };
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
