/** The system's R without its packages, in a mount namespace where they are covered. */
import { shinyPackage } from "#src/preflight/shiny_package.ts";
import { assert, assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { severities, testCases } from "#tests/support/preflight_cases.ts";

const files = ["/usr/bin/bwrap", "/usr/bin/R", "/usr/bin/apt-get"];

/** Where Debian's R looks for packages that did not come with it. */
const COVERED = "for library in /usr/lib/R/site-library /usr/local/lib/R/site-library; do " +
  'if [ -d "$library" ]; then mount -t tmpfs -o mode=755 none "$library"; fi; done; exec "$@"';

testCases({
  "the system's R without shiny is told of the system's package": {
    within: ["/usr/bin/unshare", "--mount", "sh", "-c", COVERED, "sh"],
    run: async (look) => {
      const findings = await look(shinyPackage, { PROCESS_RIG_BASE: "/nonexistent/R" });
      const [finding] = findings;
      assertEquals(severities(findings), ["warning"]);
      assert(finding !== undefined && finding.severity !== "ok");
      assertMatch(finding.message, /^R \d+\.\d+\.\d+ at \/usr\/bin\/R has no shiny$/);
      assertEquals(finding.fix, {
        kind: "advice",
        text: "Install the package r-cran-shiny (apt-get install r-cran-shiny), or run " +
          'install.packages("shiny") in /usr/bin/R, into a library that everybody can read',
      });
    },
  },
}, { url: import.meta.url, needs: needs({ root: true, files }) });
