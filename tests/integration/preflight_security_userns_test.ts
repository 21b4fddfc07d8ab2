/** Owners whom a real user namespace does not know. */
import { configSecurity } from "#src/preflight/config_security.ts";
import { assertEquals, assertMatch } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { testCases } from "#tests/support/preflight_cases.ts";

/** Makes a program that belongs to somebody else, and goes where only root is known. */
const WITHIN = "folder=$(mktemp -d /tmp/blockyard-test-XXXXXX) || exit; chmod 755 $folder; " +
  "install -m 755 -o 1937000007 /bin/true $folder/bwrap; " +
  'BWRAP=$folder/bwrap unshare --user --map-root-user "$@"; code=$?; rm -r $folder; exit $code';

testCases({
  "an owner whom the user namespace does not know is a warning, and no stranger": {
    within: ["/bin/sh", "-c", WITHIN, "sh"],
    run: async (look) => {
      const bwrap = Deno.env.get("BWRAP") ?? "";
      const findings = await look(configSecurity, {
        PROCESS_BWRAP_PATH: bwrap,
        SERVER_DATA_DIR: `${bwrap}-data`,
      });
      assertEquals(findings.map(({ severity }) => severity), ["warning"]);
      const message = findings[0]?.message.replace(bwrap, "BWRAP") ?? "";
      assertMatch(message, /^who owns BWRAP could not be found out, because this user namespace/);
    },
  },
}, { url: import.meta.url, needs: needs({ root: true, files: ["/usr/bin/unshare"] }) });
