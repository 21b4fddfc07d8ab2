import { apparmorProfile } from "#src/host_setup/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
  assertThrows,
} from "#tests/support/assert.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };
const EXECUTABLE = "/usr/local/bin/blockyard";

/** Without comments and empty lines. */
function rules(text: string): string[] {
  return text.split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

Deno.test("the profile grants user namespaces to the executable alone", UNIT, () => {
  assertEquals(rules(apparmorProfile({ executable: EXECUTABLE, abi: 4 })), [
    "abi <abi/4.0>,",
    "include <tunables/global>",
    'profile blockyard "/usr/local/bin/blockyard" flags=(unconfined) {',
    "userns,",
    "include if exists <local/blockyard>",
    "}",
  ]);
});

Deno.test("the form for old parsers lacks the two lines that they do not know", UNIT, () => {
  const unknown = ["abi <abi/4.0>,", "userns,"];
  const old = rules(apparmorProfile({ executable: EXECUTABLE, abi: 3 }));
  const current = rules(apparmorProfile({ executable: EXECUTABLE, abi: 4 }));
  assertEquals(old, current.filter((line) => !unknown.includes(line)));
  assertEquals(old.length, current.length - unknown.length);
});

Deno.test("the top says how it is loaded, in a line that can be copied", UNIT, () => {
  const command = (abi: 3 | 4) =>
    apparmorProfile({ executable: "/opt/my apps/by", abi }).split("\n")
      .find((line) => line.startsWith("#     "));
  const load = "> /etc/apparmor.d/blockyard && apparmor_parser -r /etc/apparmor.d/blockyard";
  assertEquals(command(4), `#     '/opt/my apps/by' apparmor ${load}`);
  assertEquals(command(3), `#     '/opt/my apps/by' apparmor --abi 3 ${load}`);
});

Deno.test("the profile says what it means for workers, and who gets its grant", UNIT, () => {
  const text = apparmorProfile({ executable: EXECUTABLE, abi: 4 });
  assertMatch(text, /bwrap that anybody else starts/);
  assertMatch(text, /chmod o-x/);
  const long = text.split("\n").filter((line) => line.length > 100 && !line.startsWith("#     "));
  assertEquals(long, []);
});

Deno.test("a path with a space stands in the profile as it is", UNIT, () => {
  const text = apparmorProfile({ executable: "/opt/my apps/by", abi: 4 });
  assertStringIncludes(text, '\nprofile blockyard "/opt/my apps/by" flags=(unconfined) {\n');
});

for (const character of ["*", "?", "[", "]", "{", "}", "^", "\\", '"', "@{HOME}"]) {
  Deno.test(`a path with ${character} in it is refused, for it could match others`, UNIT, () => {
    const executable = `/opt/a${character}b`;
    assertThrows(() => apparmorProfile({ executable, abi: 4 }), RangeError, "into a profile: want");
  });
}

Deno.test("a path that is relative or has a line break is refused", UNIT, () => {
  for (const executable of ["blockyard", "/opt/a\nuserns,"]) {
    const error = assertThrows(() => apparmorProfile({ executable, abi: 4 }), RangeError);
    assert(error.message.startsWith(`cannot write ${JSON.stringify(executable)} into a profile`));
  }
});
