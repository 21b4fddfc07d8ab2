/** The checks of R where a site's profile prints something whenever R starts. */
import { rBinary } from "#src/preflight/r_binary.ts";
import { sandboxSmoke } from "#src/preflight/sandbox_smoke.ts";
import { shinyPackage } from "#src/preflight/shiny_package.ts";
import { assertEquals, assertStringIncludes } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { severities, testCases } from "#tests/support/preflight_cases.ts";

const files = ["/usr/bin/bwrap", "/usr/bin/R", "/etc/R/Rprofile.site"];

/** Of which the last words share a line with what comes after them. */
const PROFILE = `printf '%s\\n' 'cat("Welcome\\nto our site: ")' >/run/profile`;
const COVERED = `mount -t tmpfs -o mode=755 none /run && ${PROFILE} && ` +
  'chmod 644 /run/profile && mount --bind /run/profile /etc/R/Rprofile.site && exec "$@"';

testCases({
  "a profile that prints is in no check's way": {
    within: ["/usr/bin/unshare", "--mount", "sh", "-c", COVERED, "sh"],
    run: async (look) => {
      const { stdout } = await new Deno.Command("/usr/bin/R", {
        args: ["--no-echo", "-e", "1"],
        stdin: "null",
      }).output();
      assertStringIncludes(new TextDecoder().decode(stdout), "to our site: ");
      for (const check of [rBinary, sandboxSmoke, shinyPackage]) {
        const found = await look(check, { PROCESS_RIG_BASE: "/nonexistent/R" });
        assertEquals(severities(found), ["ok"], JSON.stringify(found));
      }
    },
  },
}, { url: import.meta.url, needs: needs({ root: true, files }) });
