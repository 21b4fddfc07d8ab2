import { SECCOMP_ARCHS, type SeccompArch } from "#src/sandbox/seccomp/call_numbers.ts";
import {
  type ArgumentTest,
  type CallGroup,
  POLICY,
  UNNAMED,
} from "#src/sandbox/seccomp/policy/mod.ts";
import { assert, assertEquals, assertGreater } from "#tests/support/assert.ts";
import { EXPECTATIONS } from "#tests/support/seccomp_verdicts.ts";
import { brokenExpectations } from "./broken_expectations.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const ARCHS = Object.keys(SECCOMP_ARCHS) as SeccompArch[];

for (const arch of ARCHS) {
  Deno.test(`the filter for ${arch} does with calls what is expected of it`, strict, () => {
    const { looks, broken } = brokenExpectations(POLICY, arch);
    assertGreater(looks, 250);
    assertEquals(broken, []);
  });
}

Deno.test("what is expected is expected of calls that exist", strict, () => {
  const known = Object.values(SECCOMP_ARCHS).flatMap(({ numbers }) => [...numbers.keys()]);
  const expected = EXPECTATIONS.flatMap(([, calls]) => calls.split(" "));
  assertEquals(expected.filter((call) => !known.includes(call)), []);
});

/** A policy with something taken out of it. */
type Mutation = readonly [what: string, policy: readonly CallGroup[]];

function* mutations(): Iterable<Mutation> {
  for (const group of POLICY) {
    const { name, verdict } = group;
    yield [`the group "${name}"`, withoutGroup(group)];
    if (verdict.kind !== "check") continue;
    for (const [index, tests] of verdict.cases.entries()) {
      const where = `"${name}", case ${index}`;
      const change = (to: readonly ArgumentTest[] | undefined): readonly CallGroup[] => {
        const cases = verdict.cases.flatMap((it) => it !== tests ? [it] : to ? [to] : []);
        return POLICY.map((other) =>
          other === group ? { ...group, verdict: { ...verdict, cases } } : other
        );
      };
      yield [where, change(undefined)];
      for (const test of tests) {
        yield [`${where}, ${test.argument}`, change(tests.filter((it) => it !== test))];
        for (const [less, reduced] of reductions(test)) {
          yield [
            `${where}, ${test.argument}, ${less}`,
            change(tests.map((it) => it === test ? reduced : it)),
          ];
        }
      }
    }
  }
}

/**
 * The policy without a group. Of what no group names becomes the same as of the groups with ENOSYS,
 * which get another error instead; that every call is in a group is a test of its own.
 */
function withoutGroup(group: CallGroup): readonly CallGroup[] {
  const { verdict } = group;
  if (verdict.kind !== "refuse" || verdict.errno !== UNNAMED.errno) {
    return POLICY.filter((other) => other !== group);
  }
  const changed: CallGroup = { ...group, verdict: { kind: "refuse", errno: "EPERM" } };
  return POLICY.map((other) => other === group ? changed : other);
}

/** The test without its mask, and without each of its values. */
function* reductions(test: ArgumentTest): Iterable<readonly [less: string, test: ArgumentTest]> {
  if (test.mask !== undefined) {
    const { mask: _, ...whole } = test;
    yield ["the mask", whole];
  }
  const [form, values] = "oneOf" in test
    ? ["oneOf", test.oneOf]
    : "noneOf" in test
    ? ["noneOf", test.noneOf]
    : ["without", test.without];
  for (const name of Object.keys(values)) {
    const fewer = Object.fromEntries(Object.entries(values).filter(([other]) => other !== name));
    yield [name, { ...test, [form]: fewer }];
  }
}

Deno.test(
  "nothing can be taken out of the policy without breaking what is expected",
  strict,
  () => {
    const all = [...mutations()];
    assertGreater(all.length, POLICY.length + 50);
    const unnoticed = all
      .filter(([, policy]) =>
        ARCHS.every((arch) => brokenExpectations(policy, arch).broken.length === 0)
      )
      .map(([what]) => what);
    assertEquals(unnoticed, []);
  },
);

Deno.test("no refused call becomes allowed without breaking what is expected", strict, () => {
  const important = POLICY.filter(({ verdict }) =>
    verdict.kind === "refuse" && verdict.errno === "EPERM"
  );
  for (const group of important) {
    const policy = POLICY.map((other) =>
      other === group ? { ...group, verdict: { kind: "allow" } as const } : other
    );
    assert(brokenExpectations(policy, "x86_64").broken.length > 0, group.name);
  }
});
