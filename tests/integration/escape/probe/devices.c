/* Device nodes, and the files by which the kernel shows and changes itself. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probe.h"

static void open_device(const char *path) {
  settle_open(path, O_RDWR);
}

static void open_to_read(const char *path) {
  settle_open(path, O_RDONLY);
}

static void open_to_write(const char *path) {
  settle_open(path, O_WRONLY);
}

/** /dev/mem and the first disk, by their numbers; Documentation/admin-guide/devices.txt. */
static void make_memory_node(const char *argument) {
  (void)argument;
  settle(mknod(scratch("mem"), S_IFCHR | 0600, makedev(1, 1)), "mknod");
}

static void make_disk_node(const char *argument) {
  (void)argument;
  settle(mknod(scratch("disk"), S_IFBLK | 0600, makedev(8, 0)), "mknod");
}

/** Those who may not know them are shown zeros. */
static void find_addresses(const char *argument) {
  (void)argument;
  char text[4096];
  if (read_file("/proc/kallsyms", text, sizeof text) == -1) refused("read /proc/kallsyms");
  for (const char *line = text; line != NULL && *line != '\0'; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strtoull(line, NULL, 16) != 0) worked("%.60s", line);
  }
  held("all addresses are 0");
}

static const struct attempt ATTEMPTS[] = {
    {"dev_mem", open_device, "/dev/mem"},
    {"dev_kmsg", open_to_read, "/dev/kmsg"},
    {"dev_kmsg_write", open_to_write, "/dev/kmsg"},
    {"dev_kvm", open_device, "/dev/kvm"},
    {"dev_fuse", open_device, "/dev/fuse"},
    {"dev_tun", open_device, "/dev/net/tun"},
    {"dev_vhost_vsock", open_device, "/dev/vhost-vsock"},
    {"dev_userfaultfd", open_device, "/dev/userfaultfd"},
    {"dev_loop_control", open_device, "/dev/loop-control"},
    {"dev_loop0", open_to_read, "/dev/loop0"},
    {"dev_console", open_device, "/dev/console"},
    {"dev_tty0", open_device, "/dev/tty0"},
    {"dev_cpu_msr", open_to_read, "/dev/cpu/0/msr"},
    {"dev_hwrng", open_to_read, "/dev/hwrng"},
    {"mknod_char", make_memory_node, NULL},
    {"mknod_block", make_disk_node, NULL},
    {"sys_folder", open_to_read, "/sys/kernel"},
    {"sys_uevent", open_to_write, "/sys/kernel/uevent_helper"},
    {"proc_kcore", open_to_read, "/proc/kcore"},
    {"proc_kmsg", open_to_read, "/proc/kmsg"},
    {"proc_kallsyms", find_addresses, NULL},
    {"proc_sysrq_trigger", open_to_write, "/proc/sysrq-trigger"},
    {"proc_core_pattern", open_to_write, "/proc/sys/kernel/core_pattern"},
    {"proc_modprobe", open_to_write, "/proc/sys/kernel/modprobe"},
    {"proc_hostname", open_to_write, "/proc/sys/kernel/hostname"},
    {"proc_drop_caches", open_to_write, "/proc/sys/vm/drop_caches"},
    {"proc_ip_forward", open_to_write, "/proc/sys/net/ipv4/ip_forward"},
    {"proc_shmmax", open_to_write, "/proc/sys/kernel/shmmax"},
    {"proc_binfmt_misc", open_to_write, "/proc/sys/fs/binfmt_misc/register"},
    {"proc_irq", open_to_write, "/proc/irq/default_smp_affinity"},
    {"proc_mtrr", open_to_write, "/proc/mtrr"},
    {"cgroup_procs", open_to_write, "/sys/fs/cgroup/cgroup.procs"},
    {"cgroup_subtree_control", open_to_write, "/sys/fs/cgroup/cgroup.subtree_control"},
    {"cgroup_hybrid_procs", open_to_write, "/sys/fs/cgroup/unified/cgroup.procs"},
    {"cgroup_release_agent", open_to_write, "/sys/fs/cgroup/memory/release_agent"},
};

const struct attempt_group DEVICES = GROUP("Devices and kernel files", ATTEMPTS);
