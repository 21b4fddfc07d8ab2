/**
 * Tests that share a virtual machine: to start one takes longer than most of them.
 *
 * @module
 */
import { SERVER_FILES } from "#tests/e2e/support/executable.ts";
import { needs, type TestNeeds } from "#tests/support/needs.ts";
import { unpackForGuests } from "./blockyard.ts";
import { BUSYBOX } from "./initramfs.ts";
import { findKernel } from "./kernel.ts";
import { QEMU, SETPRIV } from "./qemu.ts";
import { Vm, type VmOptions } from "./vm.ts";

/** What the programs of a machine with systemd are started by; Debian's package systemd. */
const SYSTEMD = "/lib/systemd/systemd";

const FILES = [
  ...SERVER_FILES,
  ...[QEMU, SETPRIV, BUSYBOX],
  findKernel()?.image ?? "/boot/vmlinuz-* of a kernel with 9p",
];

/** What tests in a virtual machine need of this host. */
export const VM_NEEDS: TestNeeds = needs({ root: true, files: FILES });

const SYSTEMD_NEEDS = needs({ root: true, files: [...FILES, SYSTEMD, "/usr/sbin/nft"] });

/**
 * Registers a test that starts a machine and carries out cases in it, one after the other, as steps.
 * Whatever a case leaves in the machine, the next ones find.
 *
 * @param name What the machine is, such as `a host with cgroup v2`.
 * @param cases What is to be true in it, by a sentence on each.
 * @param options How the machine is made. The executable of the e2e tests can be started in it, by
 * its path on this host.
 */
export function testInVm(
  name: string,
  cases: Readonly<Record<string, (vm: Vm) => Promise<void>>>,
  options: VmOptions = {},
): void {
  Deno.test(name, options.manager === "systemd" ? SYSTEMD_NEEDS : VM_NEEDS, async (test) => {
    const env = { ...await unpackForGuests(), ...options.env };
    await using vm = await Vm.start({ ...options, env });
    for (const [behaviour, check] of Object.entries(cases)) {
      await test.step(behaviour, () => explained(check(vm), vm));
    }
  });
}

/** What a kernel has to say, such as whom it killed, explains many a failure. */
async function explained(checked: Promise<void>, vm: Vm): Promise<void> {
  try {
    await checked;
  } catch (error) {
    if (vm.console === "") throw error;
    throw new Error(`see the cause below; the console says:\n${vm.console}`, { cause: error });
  }
}
