/** The virtual machine itself: that it does what is asked of it, and nothing to this host. */
import { dirname } from "node:path/posix";
import { assertEquals, assertRejects, assertStringIncludes } from "#tests/support/assert.ts";
import { descendantsOf, runningProcesses } from "#tests/support/host_processes.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { until } from "#tests/support/until.ts";
import { testInVm, VM_NEEDS } from "./support/vm_tests.ts";

testInVm("a virtual machine", {
  "gives back what a program writes, byte for byte, and how it ended": async (vm) => {
    const input = crypto.getRandomValues(new Uint8Array(60_000));
    const copied = await vm.run(["/bin/cat"], { input });
    assertEquals([copied.code, copied.stderr], [0, ""]);
    assertEquals(copied.bytes, input);
    const { code, stdout, stderr } = await vm.run(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    assertEquals([code, stdout, stderr], [3, "out\n", "err\n"]);
    assertEquals((await vm.run(["sh", "-c", "kill -KILL $$"])).code, 137);
    assertEquals((await vm.run(["/nonexistent"])).code, 127);
    await assertRejects(
      () => vm.run(["true"], { cwd: "/nonexistent" }),
      Error,
      "cannot start true",
    );
    await assertRejects(() => vm.sh("echo so; false"), Error, "exit code 1 of echo so; false: so");
  },

  "runs programs at the same time, and talks to each": async (vm) => {
    const script = 'trap "echo told; exit 5" TERM; while read -r line; do echo "$line!"; done';
    await using first = await vm.spawn(["sh", "-c", script]);
    await using second = await vm.spawn(["sh", "-c", script]);
    for (const [program, word] of [[second, "second"], [first, "first"]] as const) {
      program.write(`${word}\n`);
      await until(() => program.stdout === `${word}!\n`, { what: () => program.stdout });
    }
    first.kill("SIGTERM");
    assertEquals((await first.outcome()).code, 5);
    second.endInput();
    assertEquals((await second.outcome()).stdout, "second!\n");
  },

  "kills a program that takes too long, with what it started": async (vm) => {
    const command = ["sh", "-c", "echo begun; sleep 1234 & sleep 1234"];
    const late = await assertRejects(() => vm.run(command, { timeoutMs: 1000 }), Error);
    assertStringIncludes(late.message, "was not finished after 1000 ms: begun");
    assertEquals((await vm.run(["pgrep", "-f", "sleep 1234"])).stdout, "");
  },

  "starts programs under another user, who has no rights, in another group": async (vm) => {
    const { uid, home } = vm.user;
    await vm.sh("mkdir /sys/fs/cgroup/other");
    const seen = await vm.sh(
      'grep -E "^(Uid|Groups|CapEff):" /proc/self/status; cat /proc/self/cgroup; echo "$HOME $X"',
      { uid, group: "/sys/fs/cgroup/other", env: { X: "1 2" } },
    );
    assertEquals(seen.split("\n").map((line) => line.replaceAll(/\s+/g, " ").trim()), [
      `Uid: ${uid} ${uid} ${uid} ${uid}`,
      "Groups:",
      "CapEff: 0000000000000000",
      "0::/other",
      `${home} 1 2`,
    ]);
    await vm.write(`${home}/folder/file`, "text", { uid });
    assertEquals(
      await vm.sh(`stat -c %u ${home}/folder/file; cat ${home}/folder/file`),
      `${uid}\ntext`,
    );
  },

  "shows this host's files, and cannot change them": async (vm) => {
    await using folder = await tempFolder();
    const file = await folder.write("file", "of the host");
    const seen = await vm.sh(
      `cat ${file}; echo changed >${file}; cat ${file}; rm -r ${folder.path}`,
    );
    assertEquals(seen, "of the hostchanged");
    assertEquals(await Deno.readTextFile(file), "of the host");
    const { code } = await vm.run(["mount", "-t", "9p", "-o", "trans=virtio", "host", "/mnt"]);
    assertEquals(code === 0, false, "the file system can be mounted again, past the overlay");
  },

  "has no way to anywhere else": async (vm) => {
    assertEquals(await vm.sh("ls /sys/class/net; cat /proc/net/route | tail -n +2"), "lo");
  },

  // The last, for good reason.
  "says what the matter is when it has ended, and to whoever comes later": async (vm) => {
    const waiting = vm.run(["sleep", "1234"]);
    const ended = assertRejects(() => waiting, Error, "the virtual machine has ended");
    await vm.run(["sh", "-c", "echo c >/proc/sysrq-trigger"]).catch(() => undefined);
    assertStringIncludes((await ended).message, "sysrq triggered crash");
    await assertRejects(() => vm.run(["true"]), Error, "the virtual machine has ended");
  },
});

Deno.test("a virtual machine ends with the process that started it", VM_NEEDS, async () => {
  const module = new URL("./support/vm.ts", import.meta.url);
  const starter = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", `import { Vm } from ${JSON.stringify(module)}; await Vm.start();`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const emulator = await until(
    () => descendantsOf(starter.pid).find(({ name }) => name === "qemu-system-x86"),
    { what: "the virtual machine is started" },
  );
  const command = (await Deno.readTextFile(`/proc/${emulator.pid}/cmdline`)).split("\0");
  starter.kill("SIGKILL");
  await starter.status;
  await until(() => !runningProcesses().some(({ pid }) => pid === emulator.pid), {
    what: "the virtual machine has ended",
  });
  // What was killed could not do it.
  const initramfs = command[command.indexOf("-initrd") + 1] ?? "";
  await Deno.remove(dirname(initramfs), { recursive: true });
});
