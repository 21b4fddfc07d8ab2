/** The emulator; Debian's package qemu-system-x86. */
export const QEMU = "/usr/bin/qemu-system-x86_64";

/** Starts a program that ends with the one that started it; Debian's package util-linux. */
export const SETPRIV = "/usr/bin/setpriv";

/**
 * What the time of a machine goes by: the host's clock, or the instructions that it has carried out,
 * so that nothing in there takes longer when the host is busy; while it has nothing to do, the host's
 * clock counts. The second takes a third more of the host's time.
 */
export type Clock = "host" | "instructions";

/** A machine to emulate. */
export interface Machine {
  /** Absolute path of the kernel's image. */
  readonly kernel: string;
  /** Absolute path of its first file system. */
  readonly initramfs: string;
  /** Memory in MiB. */
  readonly memoryMib: number;
  /** How many processors it has. */
  readonly cpus: number;
  /** What its time goes by. */
  readonly clock: Clock;
  /** More of the kernel's command line. */
  readonly append: readonly string[];
}

const KERNEL_ARGS = [
  ...["console=ttyS0", "quiet", "panic=-1"],
  "cgroup_no_v1=all",
  // Emulated, a program that is not at the same addresses again takes twice the time to start.
  ...["norandmaps", "mitigations=off"],
];

/** An instruction takes 2^0 ns, as on a machine that is about as fast as a real one. */
const COUNTED = ["-icount", "shift=0,sleep=on"];

/**
 * Tells how a virtual machine is started: without network, with the host's file system, which it
 * cannot change, under the tag `host`. Standard input and output are the guest's port
 * `/dev/vport0p1`, standard error its console. It ends with the process that starts it.
 *
 * @param machine The machine.
 * @returns The program and its arguments.
 */
export function qemuCommand(
  { kernel, initramfs, memoryMib, cpus, clock, append }: Machine,
): [string, ...string[]] {
  return [
    SETPRIV,
    ...["--pdeathsig", "KILL", "--", QEMU],
    ...["-no-user-config", "-nodefaults", "-no-reboot"],
    ...["-display", "none", "-nic", "none"],
    // A /dev/kvm is no sign that it works. Without protection keys Deno starts faster by a quarter.
    ...["-accel", `tcg,thread=${clock === "host" ? "multi" : "single"}`, "-cpu", "max,pku=off"],
    ...(clock === "host" ? [] : COUNTED),
    ...["-smp", String(cpus), "-m", String(memoryMib)],
    ...["-kernel", kernel, "-initrd", initramfs, "-append", [...KERNEL_ARGS, ...append].join(" ")],
    // Without the remapping, files of different file systems of the host are taken for the same.
    "-virtfs",
    "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
    ...["-chardev", "file,id=console,path=/dev/stderr", "-serial", "chardev:console"],
    ...["-chardev", "stdio,id=agent,signal=off"],
    ...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,nr=1"],
  ];
}
