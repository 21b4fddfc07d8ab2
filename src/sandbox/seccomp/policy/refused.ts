import { type CallGroup, names } from "./call_group.ts";

const eperm = { kind: "refuse", errno: "EPERM" } as const;
const enosys = { kind: "refuse", errno: "ENOSYS" } as const;

/** Calls that no worker makes, each group with the reason and the error that programs expect. */
export const REFUSED: readonly CallGroup[] = [
  {
    name: "namespaces",
    reason:
      "A namespace of one's own gives capabilities inside it, and with them most of the kernel to " +
      "attack; entering another one leaves the sandbox.",
    verdict: eperm,
    calls: names("unshare setns"),
  },
  {
    name: "clone3",
    reason:
      "Its flags are in memory, where no filter can see them. The C library takes the error for an " +
      "old kernel and uses clone.",
    verdict: enosys,
    calls: names("clone3"),
  },
  {
    name: "mounts and roots",
    reason: "What the sandbox shows is decided outside of it.",
    verdict: eperm,
    calls: names(`
      mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig fsmount fspick
      mount_setattr
    `),
  },
  {
    name: "other processes' memory and descriptors",
    reason: "Whoever can look into a process can become it.",
    verdict: eperm,
    calls: names(`
      ptrace process_vm_readv process_vm_writev pidfd_getfd kcmp process_madvise process_mrelease
    `),
  },
  {
    name: "keyrings",
    reason: "Keys are shared by all processes of a user id, past every namespace.",
    verdict: eperm,
    calls: names("add_key request_key keyctl"),
  },
  {
    name: "asynchronous work in the kernel",
    reason:
      "io_uring makes calls that no filter sees, and has been the way out of sandboxes time and " +
      "again; older asynchronous I/O is for databases. Programs fall back on ordinary calls.",
    verdict: eperm,
    calls: names(`
      io_uring_setup io_uring_enter io_uring_register
      io_setup io_destroy io_getevents io_pgetevents io_submit io_cancel
    `),
  },
  {
    name: "programs in the kernel and its measuring",
    reason: "bpf and perf_event_open are large, and hold the world's view of the machine.",
    verdict: eperm,
    calls: names("bpf perf_event_open lookup_dcookie"),
  },
  {
    name: "tools of exploits",
    reason:
      "userfaultfd stops the kernel in the middle of an access, vmsplice gives it pages that change " +
      "under it, modify_ldt and remap_file_pages are remnants with a history of holes, and " +
      "memfd_secret hides memory. No app needs them.",
    verdict: eperm,
    calls: names("userfaultfd vmsplice modify_ldt remap_file_pages memfd_secret"),
  },
  {
    name: "files past their names",
    reason:
      "Handles open files that no mount of the sandbox shows; fanotify watches whole file systems. " +
      "inotify is allowed.",
    verdict: eperm,
    calls: names("name_to_handle_at open_by_handle_at fanotify_init fanotify_mark"),
  },
  {
    name: "writing out the host's disks",
    reason: "They make everybody's data go to disk at once; fsync for one's own files is allowed.",
    verdict: eperm,
    calls: names("sync syncfs"),
  },
  {
    name: "message queues",
    reason: "RLIMIT_MSGQUEUE is 0 in workers, so that there could be none anyway.",
    verdict: eperm,
    calls: names(`
      mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr
    `),
  },
  {
    name: "placement of memory",
    reason:
      "Which memory of the machine is used is not for an app to say; libraries that ask go on " +
      "without an answer.",
    verdict: eperm,
    calls: names(`
      mbind get_mempolicy set_mempolicy set_mempolicy_home_node migrate_pages move_pages
    `),
  },
  {
    name: "the kernel itself",
    reason: "Modules, other kernels and restarts are for whoever runs the host.",
    verdict: eperm,
    calls: names("init_module finit_module delete_module kexec_load kexec_file_load reboot"),
  },
  {
    name: "settings of the host",
    reason:
      "Clocks, names, quotas, swap, accounting, ports and the kernel's log belong to the host.",
    verdict: eperm,
    calls: names(`
      settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname
      quotactl quotactl_fd swapon swapoff acct iopl ioperm syslog vhangup
    `),
  },
  {
    name: "calls that are no more",
    reason: "Today's kernels do not have them, or keep them for programs of the last century.",
    verdict: enosys,
    calls: names(`
      uselib ustat sysfs _sysctl create_module get_kernel_syms query_module nfsservctl
      getpmsg putpmsg afs_syscall tuxcall security vserver set_thread_area get_thread_area
      epoll_ctl_old epoll_wait_old
    `),
  },
];
