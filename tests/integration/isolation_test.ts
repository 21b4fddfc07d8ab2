/** What the kernel says of a running worker, and what the worker can and cannot see. */
import type { Backend, LogLine, WorkerSpec } from "#src/backend/mod.ts";
import { descendants, readStatus } from "#src/backend/proc/mod.ts";
import type { Pid } from "#src/core/mod.ts";
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
} from "#tests/support/assert.ts";
import { lineOf, openTestBackend, shellSpec, wholeLog } from "#tests/support/host_backend.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const root = needs({ root: true, files: ["/usr/bin/bwrap", "/usr/bin/R"] });
const STAY = "echo up; while :; do sleep 0.1; done";

/** Runs a script to its end and gives its output, both streams in one. */
async function run(
  backend: Backend,
  script: string,
  changes: Partial<WorkerSpec> = {},
): Promise<string> {
  const spec = shellSpec(`exec 2>&1\n${script}`, changes);
  await backend.spawn(spec);
  const lines: LogLine[] = await wholeLog(backend, spec.id);
  return lines.map(({ text }) => text).join("\n");
}

Deno.test(
  "every process of a worker has the allotted ids, no groups, no capabilities, no new privileges",
  root,
  async () => {
    await using host = await openTestBackend();
    const spec = shellSpec(STAY);
    const { pid, uid, gid } = await host.backend.spawn(spec);
    await lineOf(host.backend, spec.id, /up/);
    const pids: Pid[] = [pid, ...await descendants(pid)];
    assert(pids.length >= 3);
    for (const each of pids) {
      const text = await Deno.readTextFile(`/proc/${each}/status`).catch(() => undefined);
      if (text === undefined) continue; // a sleep that has ended
      const status = await readStatus("/proc", each);
      if (status === undefined) continue;
      assertEquals([...status.uids], [uid, uid, uid, uid]);
      assertEquals([...status.gids], [gid, gid, gid, gid]);
      assertMatch(text, /^Groups:\s*$/m);
      assertMatch(text, /^NoNewPrivs:\t1$/m);
      for (const set of ["CapInh", "CapPrm", "CapEff", "CapAmb"]) {
        assertMatch(text, new RegExp(`^${set}:\\t0+$`, "m"));
      }
      if (each !== pid) assertMatch(text, /^CapBnd:\t0+$/m);
    }
  },
);

Deno.test("a worker has namespaces of its own", root, async () => {
  await using host = await openTestBackend();
  const spec = shellSpec(STAY);
  const { pid } = await host.backend.spawn(spec);
  await lineOf(host.backend, spec.id, /up/);
  const [, init, app] = [pid, ...await descendants(pid)];
  assert(init !== undefined && app !== undefined);
  const namespace = (of: number | "self", name: string) => Deno.readLink(`/proc/${of}/ns/${name}`);
  for (const name of ["user", "mnt", "pid", "ipc", "uts"]) {
    assertNotEquals(await namespace(app, name), await namespace("self", name), name);
  }
});

Deno.test(
  "a worker sees a small root, its own processes, and no descriptors but its own",
  root,
  async () => {
    await using host = await openTestBackend();
    const out = await run(
      host.backend,
      'ls -m /; ls -m /etc/passwd /etc/shadow /root /home /var; ls /proc | grep -c "^[0-9]"; ls -m /proc/self/fd; ' +
        "cat /etc/passwd; id; hostname; pwd; ls -m /run",
    );
    assertMatch(
      out,
      /^app, bin, dev, etc, lib(, lib32)?, lib64(, libx32)?,( opt,)? proc, run, sbin, tmp, usr, var$/m,
    );
    assertMatch(out, /\/etc\/shadow.*No such file/);
    assertMatch(out, /\/root.*No such file/);
    assertMatch(out, /\/home.*No such file/);
    // bwrap's first process, the shell, and the pipeline.
    assertMatch(out, /^[2-5]$/m);
    assertMatch(out, /^0, 1, 2, 3$/m);
    assertMatch(out, /^worker:x:19\d+:19\d+:worker:\/tmp:\/bin\/sh$/m);
    assertMatch(out, /^uid=19\d+\(worker\) gid=19\d+\(worker\) groups=19\d+\(worker\)$/m);
    assertMatch(out, /^worker$/m);
    assertMatch(out, /^\/app$/m);
    assertNotMatch(out, /root:x/);
  },
);

Deno.test("a worker can write to its temporary folders only, up to their size", root, async () => {
  await using host = await openTestBackend();
  const out = await run(
    host.backend,
    "for d in / /app /etc /usr /usr/lib /opt /var /run /dev /proc/sys/kernel /tmp /var/tmp /dev/shm; do " +
      'if touch $d/x 2>/dev/null; then echo "wrote $d"; fi; done; ' +
      "head -c 300m /dev/zero > /tmp/big; stat -c 'tmp %s' /tmp/big; rm /tmp/big; " +
      "head -c 70m /dev/zero > /dev/shm/big; stat -c 'shm %s' /dev/shm/big",
  );
  assertEquals(out.split("\n").filter((line) => line.startsWith("wrote")), [
    "wrote /tmp",
    "wrote /var/tmp",
    "wrote /dev/shm",
  ]);
  assertMatch(out, /^tmp 26\d{7}$/m);
  assertMatch(out, /^shm 6\d{7}$/m);
});

Deno.test(
  "a worker cannot make namespaces, mount, or gain privilege through set-id programs",
  root,
  async () => {
    await using host = await openTestBackend();
    const out = await run(
      host.backend,
      "for a in '-U true' '-Ur mount -t tmpfs x /tmp' '-m true' '-n true' '-p true'; do unshare $a && echo \"open $a\"; done; " +
        "mount -t tmpfs x /tmp && echo open mount; " +
        "find / -xdev -perm /6000 -type f 2>/dev/null | head -1; grep NoNewPrivs /proc/self/status",
    );
    assertNotMatch(out, /^open/m);
    assertMatch(out, /NoNewPrivs:\s1/);
  },
);

Deno.test("a worker's limits are lower than the server's", root, async () => {
  await using host = await openTestBackend({ maxProcesses: 40 });
  const out = await run(
    host.backend,
    "cat /proc/self/limits; i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo not reached",
  );
  assertMatch(out, /^Max processes +40 +40 /m);
  assertMatch(out, /^Max open files +1024 +4096 /m);
  assertMatch(out, /^Max core file size +1 +1 /m);
  assertMatch(out, /Cannot fork|Resource temporarily unavailable/);
});

Deno.test(
  "an app's environment reaches the app, and no command line or environment of the host",
  root,
  async () => {
    await using host = await openTestBackend();
    const secret = `secret-${crypto.randomUUID()}`;
    const spec = shellSpec(`echo "got $TOKEN"; env | sort; ${STAY}`, { env: { TOKEN: secret } });
    const { pid } = await host.backend.spawn(spec);
    const seen: string[] = [];
    for await (const { text } of host.backend.logs(spec.id, { follow: true })) {
      if (text === "up") break;
      seen.push(text);
    }
    assertEquals(seen[0], `got ${secret}`);
    const names = seen.slice(1).map((line) => line.split("=")[0]);
    assertEquals(names, ["HOME", "LANG", "LOGNAME", "PATH", "PWD", "TMPDIR", "TOKEN", "USER"]);
    const [init] = await descendants(pid);
    assert(init !== undefined);
    for (const each of [pid, init]) {
      assertEquals(
        await Deno.readTextFile(`/proc/${each}/environ`).then((text) => text.includes(secret)),
        false,
      );
    }
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const cmdline = await Deno.readTextFile(`/proc/${name}/cmdline`).catch(() => "");
      assertEquals(cmdline.includes(secret), false, cmdline);
    }
    assertEquals(JSON.stringify(host.log.records).includes(secret), false);
  },
);

Deno.test(
  "a worker reaches neither another app's files nor the server's, nor sockets below /run",
  root,
  async () => {
    await using folder = await tempFolder();
    for (const name of ["mine", "theirs"]) {
      await Deno.mkdir(`${folder.path}/${name}`);
      await Deno.writeTextFile(`${folder.path}/${name}/app.R`, `# ${name}\n`);
    }
    await using host = await openTestBackend();
    using socket = Deno.listen({ transport: "unix", path: `${folder.path}/socket` });
    const out = await run(
      host.backend,
      `cat /app/app.R; cat ${folder.path}/theirs/app.R; cat /app/../theirs/app.R; ls ${folder.path}; ` +
        `ls -A /run /tmp; cat /proc/${Deno.pid}/environ; ls /proc/${Deno.pid}; ls -d /oldroot /newroot`,
      { source: { kind: "directory", path: `${folder.path}/mine` } },
    );
    assertMatch(out, /^# mine$/m);
    assertNotMatch(out, /theirs$/m);
    assertEquals(out.match(/No such file or directory/g)?.length, 7, out);
    assert(socket.addr.transport === "unix");
  },
);

Deno.test(
  "links in a bundle lead nowhere on the host, and nothing is created through them",
  root,
  async () => {
    await using folder = await tempFolder();
    const [app, outside, data] = ["app", "outside", "data"].map((name) => `${folder.path}/${name}`);
    for (const path of [app, outside, data]) await Deno.mkdir(path ?? "");
    await Deno.writeTextFile(`${outside}/secret`, "hidden");
    await Deno.writeTextFile(`${data}/table.csv`, "a,b");
    const links = {
      abs: outside,
      old: `/oldroot${outside}`,
      up: "../outside",
      data: `/oldroot${outside}`,
      etc: "/etc",
      self: "/proc/self/root",
    };
    for (const [name, target] of Object.entries(links)) {
      await Deno.symlink(
        target ?? "",
        `${app}/${name}`,
      );
    }
    await using host = await openTestBackend();
    const out = await run(
      host.backend,
      "for l in abs old up data; do cat /app/$l/secret; touch /app/$l/made; done; cat /app/etc/shadow; touch /app/etc/made; cat /data/table.csv",
      {
        source: { kind: "directory", path: app ?? "" },
        mounts: [{ source: data ?? "", target: "/data", readOnly: true }],
      },
    );
    assertNotMatch(out, /hidden/);
    assertMatch(out, /^a,b$/m);
    assertEquals((await Array.fromAsync(Deno.readDir(outside ?? ""))).map(({ name }) => name), [
      "secret",
    ]);
    assertEquals((await Array.fromAsync(Deno.readDir(data ?? ""))).map(({ name }) => name), [
      "table.csv",
    ]);
    assertEquals(
      (await Array.fromAsync(Deno.readDir(app ?? ""))).map(({ name }) => name).sort(),
      Object.keys(links).sort(),
    );
  },
);

Deno.test(
  "mounts are read-only or writable as asked, by the host's permissions",
  root,
  async () => {
    await using folder = await tempFolder();
    await using host = await openTestBackend();
    const { workerGid } = host.config;
    await Deno.mkdir(`${folder.path}/shared`, { mode: 0o770 });
    await Deno.chmod(`${folder.path}/shared`, 0o770);
    await Deno.chown(`${folder.path}/shared`, 0, workerGid);
    const source = `${folder.path}/shared`;
    const out = await run(
      host.backend,
      "touch /in/x && echo wrote in; touch /out/y && echo wrote out",
      {
        mounts: [
          { source, target: "/in", readOnly: true },
          { source, target: "/out", readOnly: false },
        ],
      },
    );
    assertMatch(out, /Read-only file system/);
    assertMatch(out, /^wrote out$/m);
    assertNotMatch(out, /wrote in/);
    assertEquals((await Deno.stat(`${source}/y`)).gid, workerGid);
  },
);

Deno.test("a worker sees no SysV memory of the host, and not its host name", root, async () => {
  const made = await new Deno.Command("ipcmk", { args: ["-M", "4096", "-p", "0666"] }).output();
  const id = /\d+/.exec(new TextDecoder().decode(made.stdout))?.[0];
  assert(id !== undefined);
  try {
    await using host = await openTestBackend();
    assertNotMatch(
      await run(host.backend, "ipcs -m; hostname"),
      new RegExp(`\\b${id}\\b.*4096|${Deno.hostname()}`),
    );
  } finally {
    await new Deno.Command("ipcrm", { args: ["-m", id] }).output();
  }
});
