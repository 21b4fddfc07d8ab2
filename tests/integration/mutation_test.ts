/**
 * Takes each thing that hardens a sandbox away, one at a time, and looks whether that shows: what no
 * observation tells from its absence may as well be absent.
 *
 * @module
 */
import { basename } from "node:path/posix";
import { openLibc } from "#ffi/mod.ts";
import { toGid, toUid } from "#src/core/mod.ts";
import { findLandlock } from "#src/sandbox/mod.ts";
import { bareSandbox } from "#tests/support/bare_sandbox.ts";
import { assert, assertEquals, assertNotEquals } from "#tests/support/assert.ts";
import { answering } from "#tests/support/call_filter.ts";
import { optionsOf, withOptions } from "#tests/support/mutation/job_changes.ts";
import {
  type Job,
  type Observations,
  observe,
  observer,
} from "#tests/support/mutation/observed_sandbox.ts";
import {
  FIELDS,
  HOLD_NOTHING,
  LIMIT_NAMES,
  type Mutation,
  NO_WALLS,
  OPTIONS,
  SHM_BYTES,
  STEPS,
  TMP_BYTES,
} from "#tests/support/mutation/mutations.ts";
import { needs } from "#tests/support/needs.ts";
import { OwnGroup } from "#tests/support/own_group.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const strict = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/perl"] });
/** acct(2), which nothing here calls, of asm/unistd_64.h and asm-generic/unistd.h. */
const ACCT = Deno.build.arch === "aarch64" ? 89 : 163;

/** What is to be seen with everything in its place. */
const CLOSED: Observations = {
  "started": "yes",
  "ns.user": "its own",
  "ns.pid": "its own",
  "ns.ipc": "its own",
  "ns.uts": "its own",
  "ns.cgroup": "its own",
  "ns.mnt": "its own",
  "hostname": "worker",
  "session": "own",
  "pdeathsig": "9",
  "env": "HOME LANG LOGNAME PATH PWD TMPDIR USER",
  "fds": "0 1 2 3",
  "umask": "022",
  "keyring": "_ses",
  "userns": "closed",
  "abstract": await canLandlock() ? "closed" : "open",
  "status.CapEff": "0".repeat(16),
  "status.CapBnd": "0".repeat(16),
  "status.NoNewPrivs": "1",
  "status.Seccomp": "2",
  "status.SigBlk": "0".repeat(16),
  "write./": "closed",
  "write./app": "closed",
  "write./etc": "closed",
  "write./usr": "closed",
  "write./dev": "closed",
  "write./run": "closed",
  "write./proc/sys/kernel": "closed",
  "write./tmp": "open",
  "write./dev/shm": "open",
  "list.keys": "empty",
  "list.key-users": "empty",
  "host.Groups": "",
  "host.cwd": "/",
};

const socket = `blockyard-mutation-${crypto.randomUUID()}`;
const uid = toUid(1_923_000_001);
const gid = toGid(1_923_000_000);

async function canLandlock(): Promise<boolean> {
  using libc = openLibc();
  return (await findLandlock(libc, { bwrapPath: "/usr/bin/bwrap" })).kind === "scoped";
}

async function jobFor({ app, cgroup }: { app: string; cgroup: string }): Promise<Job> {
  const job = await bareSandbox({
    uid,
    gid,
    layout: { canLandlock: CLOSED["abstract"] === "closed" },
    app: { kind: "directory", path: app },
    seccomp: { instructions: 4, base64: answering(ACCT, 1).toBase64() },
    tmpBytes: TMP_BYTES,
    shmBytes: SHM_BYTES,
    command: observer(socket),
  });
  return { ...job, cgroup };
}

Deno.test("what hardens a sandbox shows when it is taken away", strict, async (test) => {
  await using folder = await tempFolder();
  await using group = new OwnGroup();
  const app = await folder.folder("app", 0o777);
  using _listener = Deno.listen({ transport: "unix", path: `\0${socket}` });
  const job = await jobFor({ app, cgroup: group.path });
  const whole = await observe(job);

  await test.step("with all of it, the sandbox is closed", () => {
    const wanted = { ...CLOSED, "host.cgroup": `/${basename(group.path)}` };
    const seen = Object.fromEntries(Object.keys(wanted).map((key) => [key, whole[key]]));
    assertEquals(seen, wanted);
  });

  const limits = job.rlimits.map((limit): Mutation => ({
    what: `limit ${limit}`,
    seen: `limit.${LIMIT_NAMES[limit.split("=")[0] ?? ""]}`,
    change: ({ rlimits, ...rest }) => ({
      ...rest,
      rlimits: rlimits.filter((each) => each !== limit),
    }),
  }));
  for (const mutation of [...OPTIONS, ...limits, ...STEPS, ...FIELDS]) {
    const { what, seen, change = (same) => same, provoke = (same) => same } = mutation;
    const { without = "", between = [] } = mutation;
    const name = `${what}: ${seen}`;
    // Where the kernel has no Landlock, there is none to take away.
    const ignore = seen === "abstract" && whole[seen] === "open";
    const fn = async () => {
      const provoked = provoke(job);
      const isPlain = mutation.provoke === undefined && between.length === 0;
      const before = isPlain ? whole : await observe(provoked, { between });
      const after = await observe(change(provoked), { between, without });
      assertNotEquals(after[seen], before[seen], after["started"]);
      // What tells nothing, since nothing ran, is no observation.
      if (seen !== "started") assertEquals([before["started"], after["started"]], ["yes", "yes"]);
      else assert((before[seen] === "yes") !== (after[seen] === "yes"));
    };
    await test.step({ name, ignore, fn });
  }

  await test.step("become dumpable: executing a program does it as well", async () => {
    assertEquals(await observe(job, { without: "prctl:4" }), whole);
  });
  for (const option of ["--uid", "--gid"]) {
    await test.step(`${option} alone holds nothing`, async () => {
      const without = withOptions(job, (options) => options.toSpliced(options.indexOf(option), 2));
      const after = await observe(without);
      assertEquals(after, whole);
    });
  }
});

Deno.test(
  "every option, limit and step is one that is taken away, or holds nothing",
  strict,
  async () => {
    const job = await jobFor({ app: "/srv", cgroup: "/nowhere" });
    const options = optionsOf(job).filter((word) => typeof word === "string")
      .filter((word) => word.startsWith("--"));
    const known = [...OPTIONS.map(({ what }) => what.split(" ")[0]), ...Object.keys(HOLD_NOTHING)];
    assertEquals(options.filter((option) => !known.includes(option)), []);
    assertEquals(job.rlimits.filter((limit) => !LIMIT_NAMES[limit.split("=")[0] ?? ""]), []);
    const launcher = new URL("../../src/sandbox/bwrap_exec/become.ts", import.meta.url);
    const steps = [...(await Deno.readTextFile(launcher)).matchAll(/\bstep\("([^"]+)"/g)]
      .map(([, name]) => name ?? "");
    assert(steps.length > 10);
    const taken = [...STEPS.map(({ what }) => what), ...Object.keys(NO_WALLS)];
    assertEquals(steps.filter((name) => !taken.includes(name)), []);
  },
);
