import { toGid, toUid } from "#src/core/mod.ts";
import type { Finding, PreflightHost, ProgramResult } from "#src/preflight/mod.ts";
import { rigFixes } from "#src/preflight/rig_fixes.ts";
import { tryVersions } from "#src/preflight/rig_trials.ts";
import { rigVersions } from "#src/preflight/rig_versions.ts";
import { assert, assertEquals } from "#tests/support/assert.ts";
import { installFakeR } from "#tests/support/r_installation.ts";
import { type TempFolder, tempFolder } from "#tests/support/temp_folder.ts";
import { fakeHost } from "./fake_host.ts";
import { configOf } from "./host_files.ts";

const UNIT = { sanitizeOps: true, sanitizeResources: true };

/** What a program does when it is asked for its version. */
type Answer = ProgramResult | Error;

const says = (stdout: string): ProgramResult => ({ code: 0, stdout, stderr: "" });
const isR = (version: string) => says(`R version ${version} (2030-01-01) -- "Innocent"\n`);

/** A host on which nothing is executed, with R versions that answer as a test says. */
interface FakeHost {
  /** The folder of versions, below a temporary folder. */
  readonly base: string;
  /** Lays an R out, which answers with its version or with something else. */
  install(name: string, options?: { answer?: Answer; version?: string }): Promise<string>;
  /** Runs the check with apps by the versions that they ask for. */
  look(
    apps?: Readonly<Record<string, string>>,
    options?: { r?: string; identity?: PreflightHost["identity"] },
  ): Promise<readonly Finding[]>;
}

function hostIn({ path }: TempFolder): FakeHost {
  const base = `${path}/versions`;
  const answers = new Map<string, Answer>();
  return {
    base,
    async install(name, { version = name, answer = isR(version) } = {}) {
      const prefix = name.startsWith("/") ? name : `${base}/${name}`;
      const program = await installFakeR(prefix, { script: "", version });
      answers.set(program, answer);
      return program;
    },
    async look(apps = {}, { r, identity = fakeHost().identity } = {}) {
      const entries = Object.entries(apps).map(([name, version]) => [
        name,
        { path: "/nonexistent", r_version: version },
      ]);
      const yaml = JSON.stringify({
        apps: Object.fromEntries(entries),
        process: { rig_base: base },
      });
      const host = fakeHost({
        config: configOf({ yaml }),
        identity,
        findProgram: (name) => Promise.resolve(name === "R" ? r : undefined),
        runProgram: ([program = "", ...args], options) => {
          assertEquals([args, options?.asWorker], [["--version"], identity.isRoot]);
          const answer = answers.get(program) ?? new Error(`${program} is unknown`);
          return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
        },
      });
      return [await rigVersions.run(host)].flat();
    },
  };
}

const USER = { uid: toUid(1000), gid: toGid(1000), groups: [], isRoot: false };

const brief = (findings: readonly Finding[]) =>
  findings.map(({ severity, message }) => `${severity}: ${message}`);

Deno.test(
  "no version that nobody asks for is fine, and folders of other names are none",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const host = hostIn(folder);
    const nothing = `ok: no version of R is installed in ${host.base}, and no app asks for one`;
    assertEquals(brief(await host.look()), [nothing]);
    for (const name of ["devel", "current", "next", "release"]) {
      await folder.folder(`versions/${name}`);
    }
    assertEquals(brief(await host.look()), [nothing]);
  },
);

Deno.test("versions that work are named, in the order of their numbers", UNIT, async () => {
  await using folder = await tempFolder();
  const host = hostIn(folder);
  for (const version of ["4.4.10", "4.4.9"]) await host.install(version);
  await host.install("4.4", { version: "4.4.1" });
  await host.install("4.4.9-arm64", { version: "4.4.9" });
  assertEquals(brief(await host.look({ a: "4.4.9", b: "4" })), [
    `ok: of the versions in ${host.base} these work: 4.4, 4.4.9, 4.4.9-arm64, 4.4.10`,
  ]);
});

const FAILURES: Readonly<Record<string, { answer: Answer; reason: string }>> = {
  "fails": {
    answer: { code: 3, stdout: "", stderr: "no libR.so\nbye\n" },
    reason: "it ended with exit code 3: no libR.so",
  },
  "hangs": {
    answer: { code: 124, stdout: "R version 4.4.2", stderr: "" },
    reason: "it did not print its version within 5 s",
  },
  "is another program": {
    answer: says("GNU bash, version 5.2.15\n"),
    reason: "what it prints is not the version of an R",
  },
  "is of another version": { answer: isR("4.4.20"), reason: "it is R 4.4.20" },
  "is a development version": {
    answer: says("R Under development (unstable) (2024-01-01 r85764)\n"),
    reason: "it is R under development",
  },
};
for (const [what, { answer, reason }] of Object.entries(FAILURES)) {
  Deno.test(
    `an R that ${what} is a warning, which names who would get it`,
    UNIT,
    async () => {
      await using folder = await tempFolder();
      const host = hostIn(folder);
      const program = await host.install("4.4.2", { answer });
      const message = `${program} is broken: ${reason}`;
      const fix = {
        kind: "advice",
        text: `Install R 4.4.2 there again, or remove ${host.base}/4.4.2`,
      } as const;
      assertEquals(await host.look(), [{ severity: "warning", message, fix }]);
      assertEquals(await host.look({ a: "4.4", b: "4.4.2", c: "4.4" }), [{
        severity: "warning",
        message: `${message}; the apps "a", "c" and "b" would run on it`,
        fix,
      }]);
      await host.install("4.4.3");
      assertEquals(brief(await host.look({ a: "4.4" })), [
        `ok: of the versions in ${host.base} these work: 4.4.3`,
        `warning: ${message}`,
      ]);
    },
  );
}

Deno.test(
  "a folder without a usable bin/R is a warning, since it is never chosen",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const host = hostIn(folder);
    await folder.folder("versions/4.4.4");
    await folder.write("versions/4.4.5/bin/R", "not executable");
    await folder.write("versions/4.4.6", "a file");
    await host.install("4.4.2");
    assertEquals(brief(await host.look({ a: "4.4" })), [
      `ok: of the versions in ${host.base} these work: 4.4.2`,
      ...["4.4.4", "4.4.5", "4.4.6"].map((name) =>
        `warning: ${host.base}/${name} is broken: it has no bin/R that can be executed`
      ),
    ]);
  },
);

Deno.test("a program that runs and has no R around it is broken", UNIT, async () => {
  await using folder = await tempFolder();
  const host = hostIn(folder);
  const program = await host.install("4.4.2");
  await Deno.remove(`${host.base}/4.4.2/lib`, { recursive: true });
  const [finding, ...more] = await host.look();
  assertEquals(more, []);
  assertEquals(
    finding?.message,
    `${program} is broken: cannot use ${program} as R: ` +
      "want PREFIX/bin/R with PREFIX/lib/R or PREFIX/lib64/R beside it",
  );
});

Deno.test(
  "what cannot be started is broken, and under a worker's ids it was not tried",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const host = hostIn(folder);
    const program = await host.install("4.4.2", { answer: new Error("no free uid") });
    assertEquals(brief(await host.look({ a: "4.4" })), [
      `warning: whether ${program} works could not be found out: no free uid`,
    ]);
    assertEquals(brief(await host.look({ a: "4.4" }, { identity: USER })), [
      `warning: ${program} is broken: no free uid; the app "a" would run on it`,
    ]);
  },
);

Deno.test("the configured R serves who asks for its version", UNIT, async () => {
  await using folder = await tempFolder();
  const host = hostIn(folder);
  const r = await host.install(`${folder.path}/R`, { version: "4.2.2" });
  assertEquals(brief(await host.look({ a: "4.2", b: "4.2.2" }, { r })), [
    `ok: no version of R is installed in ${host.base}, and the configured R serves the apps that ` +
    "ask for 4.2, 4.2.2",
  ]);
  const refused =
    `warning: the app "b" cannot run: cannot serve R 4.3: no version of R is installed in ` +
    `${host.base}, and ${r} is R 4.2.2`;
  assertEquals(brief(await host.look({ a: "4.2", b: "4.3" }, { r })), [refused]);

  await host.install(`${folder.path}/R`, { version: "4.2.2", answer: says("what?") });
  assertEquals(brief(await host.look({ a: "4.2" }, { r })), [
    `warning: ${r} is broken: what it prints is not the version of an R; the app "a" would run on it`,
  ]);
});

Deno.test(
  "a version that is asked for and not there is a warning that says what is",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const host = hostIn(folder);
    await host.install("4.4.2");
    await host.install("4.5.0-arm64", { version: "4.5.0" });
    const [ok, ...more] = await host.look({ a: "4.5", b: "4.4" });
    assertEquals(ok?.severity, "ok");
    assertEquals(more, [{
      severity: "warning",
      message:
        `the app "a" cannot run: cannot serve R 4.5: ${host.base} has 4.4.2, 4.5.0-arm64, and ` +
        '"R" is no program',
      fix: {
        kind: "advice",
        text: `Install R 4.5 below ${host.base}, as VERSION/bin/R, or have the apps ask for an ` +
          "r_version that is there",
      },
    }]);
  },
);

Deno.test(
  "a folder that cannot be listed is a warning, and another for who asks",
  UNIT,
  async () => {
    await using folder = await tempFolder();
    const host = hostIn(folder);
    await folder.write("versions", "a file");
    const reason = `cannot list the R versions in ${host.base}: want a folder that can be read: `;
    const [unknown, refused, ...more] = await host.look({ a: "4.4" });
    assertEquals([unknown?.severity, refused?.severity, more], ["warning", "warning", []]);
    const start = `which versions of R are in ${host.base} could not be found out: ${reason}`;
    assertEquals(unknown?.message.slice(0, start.length), start);
    const refusal = `the app "a" cannot run: ${reason}`;
    assertEquals(refused?.message.slice(0, refusal.length), refusal);
  },
);

Deno.test("links that lead nowhere, or in circles, are told and stop nobody", UNIT, async () => {
  await using folder = await tempFolder();
  const host = hostIn(folder);
  await host.install("4.4.2");
  await Deno.symlink("4.4.4", `${host.base}/4.4.3`);
  await Deno.symlink("4.4.3", `${host.base}/4.4.4`);
  await Deno.symlink(`${folder.path}/nothing`, `${host.base}/4.4.5`);
  assertEquals(brief(await host.look({ a: "4.4" })), [
    `ok: of the versions in ${host.base} these work: 4.4.2`,
    ...["4.4.3", "4.4.4", "4.4.5"].map((name) =>
      `warning: ${host.base}/${name} is broken: it has no bin/R that can be executed`
    ),
  ]);
});

Deno.test(
  "of many versions that hang, those that there is no time for are told",
  UNIT,
  async () => {
    const entries = Array.from({ length: 30 }, (_, index) => ({
      version: { text: `4.4.${index}`, numbers: [4, 4, index], suffix: "" },
      rPath: `/opt/R/4.4.${index}/bin/R`,
      isUsable: true,
    }));
    let nowMs = 0;
    let asked = 0;
    // Four at a time, each until it is given up.
    const runProgram = () => {
      if (asked++ % 4 === 3) nowMs += 5000;
      return Promise.resolve({ code: 124, stdout: "", stderr: "" });
    };
    const tried = await tryVersions(fakeHost({ runProgram }), entries, { now: () => nowMs });
    const kinds = tried.map(({ trial }) => trial.kind);
    assertEquals(kinds.slice(0, asked), Array(asked).fill("broken"));
    assertEquals(kinds.slice(asked), Array(30 - asked).fill("untried"));
    // Whoever begins in time may take until it is given up; the check has 20 s.
    assert(asked >= 8 && nowMs <= 15_000, `${asked} in ${nowMs} ms`);
    assertEquals(tried.at(-1)?.trial, {
      kind: "untried",
      what: "/opt/R/4.4.29/bin/R",
      reason: "others took all the time that there is",
    });
  },
);

Deno.test("rig is named where it is installed and installs where the server looks", UNIT, () => {
  const version = { text: "4.4.2", numbers: [4, 4, 2], suffix: "" };
  const tried = { version, folder: "/opt/R/4.4.2" };
  const tail = ", or have the apps ask for an r_version that is there";
  const rig = rigFixes({ rigBase: "/opt/R", hasRig: true });
  assertEquals(
    [rig.reinstall(tried).text, rig.install("4.4").text, rig.install("4").text],
    [
      'Run "rig rm 4.4.2" and, to have that version again, "rig add 4.4.2"',
      `Run "rig add 4.4"${tail}`,
      `Install R 4 below /opt/R, as VERSION/bin/R${tail}`,
    ],
  );
  for (const host of [{ rigBase: "/opt/R", hasRig: false }, { rigBase: "/srv/R", hasRig: true }]) {
    const { reinstall, install } = rigFixes(host);
    assertEquals(
      [reinstall(tried).text, install("4.4").text],
      [
        "Install R 4.4.2 there again, or remove /opt/R/4.4.2",
        `Install R 4.4 below ${host.rigBase}, as VERSION/bin/R${tail}`,
      ],
    );
  }
});
