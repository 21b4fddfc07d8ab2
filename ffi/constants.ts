/**
 * Numbers of the Linux ABI. They come from the kernel's uapi headers, named in each comment, and
 * are the same on x86-64 and aarch64 unless they stand in {@linkcode SYSCALL_NUMBERS}.
 *
 * @module
 */

/** `prctl(2)` operations, from linux/prctl.h. */
export const PR = {
  SET_PDEATHSIG: 1,
  GET_DUMPABLE: 3,
  SET_DUMPABLE: 4,
  SET_CHILD_SUBREAPER: 36,
  SET_NO_NEW_PRIVS: 38,
} as const;

/** Signal numbers, from asm-generic/signal.h (x86-64 and aarch64 agree). */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** The name of a signal that {@linkcode SIGNALS} knows. */
export type SignalName = keyof typeof SIGNALS;

/** The highest signal number, `_NSIG` in asm/signal.h. */
export const HIGHEST_SIGNAL = 64;

/** `sigprocmask(2)`: replace the mask, from asm-generic/signal-defs.h. */
export const SIG_SETMASK = 2;

/** Resource limits, from asm-generic/resource.h. */
export const RLIMITS = {
  CPU: 0,
  FSIZE: 1,
  DATA: 2,
  STACK: 3,
  CORE: 4,
  RSS: 5,
  NPROC: 6,
  NOFILE: 7,
  MEMLOCK: 8,
  AS: 9,
  LOCKS: 10,
  SIGPENDING: 11,
  MSGQUEUE: 12,
  NICE: 13,
  RTPRIO: 14,
  RTTIME: 15,
} as const;

/** The name of a resource limit, without its `RLIMIT_`. */
export type RlimitName = keyof typeof RLIMITS;

/** `RLIM_INFINITY`: no limit. */
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;

/** `waitpid(2)`: return at once, from linux/wait.h. */
export const WNOHANG = 1;

/** `open(2)` flags, from asm-generic/fcntl.h. */
export const O = { RDONLY: 0, WRONLY: 1, RDWR: 2, CLOEXEC: 0o2000000, PATH: 0o10000000 } as const;

/** `open(2)` flags that differ, from asm-generic/fcntl.h and arch/arm64's asm/fcntl.h. */
export const O_OF_ARCH = {
  x86_64: { DIRECTORY: 0o200000, NOFOLLOW: 0o400000 },
  aarch64: { DIRECTORY: 0o40000, NOFOLLOW: 0o100000 },
} as const;

/** `openat(2)`: names are looked up from the working directory, from linux/fcntl.h. */
export const AT_FDCWD: number = -100;

/** `fcntl(2)`, from asm-generic/fcntl.h. */
export const FCNTL = { SETFD: 2, FD_CLOEXEC: 1 } as const;

/** `close_range(2)`: mark instead of close, from linux/close_range.h; Linux 5.11. */
export const CLOSE_RANGE_CLOEXEC = 4;

/** `memfd_create(2)` flags, from linux/memfd.h. */
export const MFD = { CLOEXEC: 1 } as const;

/** `madvise(2)`: the pages are not needed for now, from asm-generic/mman-common.h. */
export const MADV_DONTNEED = 4;

/** `keyctl(2)`: join a session keyring, from linux/keyctl.h. */
export const KEYCTL_JOIN_SESSION_KEYRING = 1;

/** `landlock_create_ruleset(2)`: tell the version of the interface, from linux/landlock.h. */
export const LANDLOCK_CREATE_RULESET_VERSION = 1;

/** What a Landlock domain can be cut off from, from linux/landlock.h; version 6, Linux 6.12. */
export const LANDLOCK_SCOPE = { ABSTRACT_UNIX_SOCKET: 1, SIGNAL: 2 } as const;

/** Version 6 of Landlock's interface is the first with {@linkcode LANDLOCK_SCOPE}. */
export const LANDLOCK_ABI_WITH_SCOPES = 6;

/** Sockets, from linux/socket.h, asm-generic/socket.h and linux/net.h. */
export const SOCKET = {
  AF_UNIX: 1,
  AF_INET: 2,
  SOCK_STREAM: 1,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_PEERCRED: 17,
} as const;

/** `sysconf(3)` names, from glibc's bits/confname.h. */
export const SYSCONF = { CLK_TCK: 2, PAGESIZE: 30, NPROCESSORS_ONLN: 84 } as const;

/** System call numbers, from asm/unistd_64.h and asm-generic/unistd.h. */
export const SYSCALL_NUMBERS = {
  x86_64: {
    rt_sigaction: 13,
    getpriority: 140,
    keyctl: 250,
    close_range: 436,
    pidfd_send_signal: 424,
    pidfd_open: 434,
    landlock_create_ruleset: 444,
    landlock_restrict_self: 446,
  },
  aarch64: {
    rt_sigaction: 134,
    getpriority: 141,
    keyctl: 219,
    close_range: 436,
    pidfd_send_signal: 424,
    pidfd_open: 434,
    landlock_create_ruleset: 444,
    landlock_restrict_self: 446,
  },
} as const;
