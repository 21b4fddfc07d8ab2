/** What becomes of a call, in words: `ALLOW`, `KILL`, or the name of an error. */
export type Outcome = string;

/** Calls, with the arguments that matter, of which the same should become. */
export type Expectation = readonly [outcome: Outcome, calls: string, ...args: (readonly Arg[])[]];

/** An argument; what is left out is 0. */
export type Arg = number | bigint;

/** Above the bits that the kernel takes of an `int`. */
const HIGH = 0xffff_ffff_0000_0000n;
const [UNIX, INET, INET6, NETLINK] = [1, 2, 10, 16];
const [STREAM, DGRAM, RAW, RDM, SEQPACKET, DCCP, PACKET] = [1, 2, 3, 4, 5, 6, 10];
const [TCP, UDP, ICMP, SCTP, UDPLITE, MPTCP] = [6, 17, 1, 132, 136, 262];
/** SOCK_NONBLOCK and SOCK_CLOEXEC. */
const FLAGS = 0x8_0800;
const FASTOPEN = 0x2000_0000;
/** MSG_NOSIGNAL and MSG_DONTWAIT. */
const USUAL = 0x4040;

/**
 * What the policy is for, call by call, written down apart from it. Taking away any group, case,
 * test or value of the policy makes one of these false.
 */
export const EXPECTATIONS: readonly Expectation[] = [
  [
    "ALLOW",
    "read write openat open newfstatat mmap brk epoll_wait epoll_pwait shmget execve futex",
  ],
  ["ALLOW", "rt_sigaction clock_gettime sched_setaffinity prlimit64 getuid setuid getrandom uname"],
  ["ALLOW", "connect bind accept4 recvmsg landlock_restrict_self fork vfork wait4 kill exit_group"],
  ["EPERM", "unshare setns mount umount2 pivot_root chroot open_tree move_mount fsopen fsconfig"],
  ["EPERM", "fsmount fspick mount_setattr ptrace process_vm_readv process_vm_writev pidfd_getfd"],
  ["EPERM", "kcmp process_madvise process_mrelease add_key request_key keyctl io_uring_setup"],
  ["EPERM", "io_uring_enter io_uring_register io_setup io_submit bpf perf_event_open userfaultfd"],
  ["EPERM", "vmsplice modify_ldt remap_file_pages memfd_secret name_to_handle_at"],
  ["EPERM", "open_by_handle_at fanotify_init fanotify_mark sync syncfs mq_open mbind move_pages"],
  ["EPERM", "migrate_pages init_module finit_module delete_module kexec_load kexec_file_load"],
  ["EPERM", "reboot settimeofday clock_settime adjtimex clock_adjtime sethostname setdomainname"],
  ["EPERM", "quotactl quotactl_fd swapon swapoff acct iopl ioperm syslog vhangup"],
  ["ENOSYS", "clone3 uselib _sysctl nfsservctl create_module"],

  ["ALLOW", "socket", [UNIX, STREAM], [UNIX, DGRAM], [UNIX, SEQPACKET], [UNIX, STREAM | FLAGS, 1]],
  ["ALLOW", "socket", [INET, STREAM], [INET, STREAM | FLAGS, TCP], [INET, DGRAM], [
    INET,
    DGRAM,
    UDP,
  ]],
  ["ALLOW", "socket", [INET6, STREAM], [INET6, DGRAM | FLAGS, UDP], [HIGH | 10n, HIGH | 1n, HIGH]],
  ["ALLOW", "socket", [NETLINK, RAW | FLAGS], [NETLINK, DGRAM]],
  ["EAFNOSUPPORT", "socket", [0, STREAM], [17, RAW], [38, SEQPACKET], [40, STREAM], [44, RAW]],
  ["EAFNOSUPPORT", "socket", [UNIX, RAW], [INET, RAW], [INET6, RAW, 58], [INET, RDM], [
    UNIX,
    PACKET,
  ]],
  ["EAFNOSUPPORT", "socket", [INET, SEQPACKET], [INET, DCCP], [INET, PACKET], [INET, 0]],
  ["EAFNOSUPPORT", "socket", [INET, STREAM, MPTCP], [INET6, STREAM, MPTCP], [INET, DGRAM, ICMP]],
  ["EAFNOSUPPORT", "socket", [INET, STREAM, SCTP], [INET, DGRAM, UDPLITE], [INET6, RAW, 255]],
  ["EAFNOSUPPORT", "socket", [NETLINK, RAW, 9], [NETLINK, DGRAM, 12], [NETLINK, STREAM]],
  ["EAFNOSUPPORT", "socket", [INET, STREAM, HIGH | 262n], [HIGH | 17n, STREAM], [INET, HIGH | 3n]],

  ["ALLOW", "socketpair", [UNIX, STREAM], [UNIX, DGRAM], [UNIX, SEQPACKET | FLAGS]],
  ["EAFNOSUPPORT", "socketpair", [UNIX, RAW], [INET, STREAM], [INET, STREAM, SCTP], [30, STREAM]],

  ["ALLOW", "setsockopt", [0, 1, 2], [0, 6, 1], [0, 1, 31], [0, 41, 31]],
  ["ENOPROTOOPT", "setsockopt", [0, 6, 31], [0, HIGH | 6n, HIGH | 31n]],

  ["ALLOW", "sendto sendmmsg", [0, 0, 0, 0], [0, 0, 0, USUAL], [0, 0, FASTOPEN, HIGH]],
  ["EOPNOTSUPP", "sendto sendmmsg", [0, 0, 0, FASTOPEN], [0, 0, 0, FASTOPEN | USUAL]],
  ["ALLOW", "sendmsg", [0, 0, 0], [0, 0, USUAL], [0, 0, 0, FASTOPEN]],
  ["EOPNOTSUPP", "sendmsg", [0, 0, FASTOPEN], [0, 0, HIGH | BigInt(FASTOPEN)]],

  // A thread of glibc, a child of fork(), and one of vfork().
  ["ALLOW", "clone", [0x3d_0f00], [0x120_0011], [0x4111], [HIGH | 0x11n], [0, 0x7e02_0000]],
  ["EPERM", "clone", [0x0002_0011], [0x0200_0011], [0x0400_0011], [0x0800_0011], [0x1000_0011]],
  ["EPERM", "clone", [0x2000_0011], [0x4000_0011], [0x7e02_0000], [HIGH | 0x1000_0000n]],

  // TCGETS, FIONREAD, TIOCGPTN and one that has the bits of all three.
  ["ALLOW", "ioctl", [0, 0x5401], [0, 0x541b], [0, 0x8004_5430], [0, 0x1_5412], [0x5412, 0]],
  ["EPERM", "ioctl", [0, 0x5412], [0, 0x541c], [0, 0x5423], [0, HIGH | 0x5412n]],
  ["EPERM", "ioctl", [0, 0x1_0000_541cn], [0, HIGH | 0x5423n]],

  ["ALLOW", "prctl", ...[1, 2, 3, 4, 7, 15, 16, 21, 22, 23, 27, 29, 30].map((op) => [op])],
  ["ALLOW", "prctl", ...[36, 37, 38, 39, 40, 41, 42, 47, 50, 51, 55, 56].map((op) => [op])],
  ["ALLOW", "prctl", [0x5356_4d41], [HIGH | 15n]],
  // PR_SET_UNALIGN, KEEPCAPS, TSC, SECUREBITS, perf events, MCE_KILL, MM, SPECULATION_CTRL and on.
  [
    "EPERM",
    "prctl",
    ...[0, 6, 8, 24, 26, 28, 31, 32, 33, 35, 52, 53, 57, 59, 62, 67].map((op) => [op]),
  ],
  ["EPERM", "prctl", [0x5961_6d61], [HIGH | 35n], [0xffff_ffff]],

  ["ALLOW", "seccomp", [0], [1], [1, 1], [1, 4], [2], [3], [8]],
  ["EPERM", "seccomp", [1, 8], [1, 9], [1, HIGH | 8n]],

  ["ALLOW", "personality", [0], [0xffff_ffff], [HIGH | 0xffff_ffffn], [HIGH]],
  ["EPERM", "personality", [8], [0x40_0000], [0x4_0000], [HIGH | 0x4_0000n]],

  ["ALLOW", "mknod", [0, 0o644], [0, 0o010644], [0, 0o100600], [0, 0o140777]],
  ["EPERM", "mknod", [0, 0o020666], [0, 0o060666], [0o010644, 0o020666]],
  ["ALLOW", "mknodat", [0, 0, 0o644], [0, 0, 0o010644], [0, 0, 0o100600], [0, 0, 0o140777]],
  ["EPERM", "mknodat", [0, 0, 0o020666], [0, 0, 0o060666], [0, 0o010644, 0o020666]],
];
