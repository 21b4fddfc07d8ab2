import { type CallGroup, names } from "./call_group.ts";

const allow = { kind: "allow" } as const;

/** Calls that workers make freely, whatever their arguments. */
export const ALLOWED: readonly CallGroup[] = [
  {
    name: "file contents",
    reason: "Programs read and write files; which ones is for the sandbox's mounts to decide.",
    verdict: allow,
    calls: names(`
      read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 lseek
      sendfile splice tee copy_file_range truncate ftruncate fallocate fadvise64 readahead
      fsync fdatasync sync_file_range
    `),
  },
  {
    name: "file descriptors",
    reason: "Programs open and pass around files, pipes and files in memory.",
    verdict: allow,
    calls: names(`
      open openat openat2 creat close close_range dup dup2 dup3 fcntl flock pipe pipe2 memfd_create
    `),
  },
  {
    name: "file names and attributes",
    reason:
      "Programs look through folders and change their own files; the kernel checks the owner, and " +
      "the sandbox's mounts honour no setuid bits.",
    verdict: allow,
    calls: names(`
      stat fstat lstat newfstatat statx access faccessat faccessat2 statfs fstatfs
      getdents getdents64 getcwd chdir fchdir umask readlink readlinkat
      mkdir mkdirat rmdir rename renameat renameat2 link linkat symlink symlinkat unlink unlinkat
      chmod fchmod fchmodat chown fchown lchown fchownat utime utimes futimesat utimensat
      getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr
      setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
    `),
  },
  {
    name: "waiting for events",
    reason: "Servers wait for many descriptors, timers, signals and changed files at once.",
    verdict: allow,
    calls: names(`
      poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait
      epoll_pwait2 eventfd eventfd2 signalfd signalfd4 timerfd_create timerfd_settime
      timerfd_gettime inotify_init inotify_init1 inotify_add_watch inotify_rm_watch
    `),
  },
  {
    name: "memory",
    reason:
      "Programs manage their own memory; the cgroup bounds how much, RLIMIT_MEMLOCK what they lock.",
    verdict: allow,
    calls: names(`
      mmap munmap mprotect mremap msync madvise mincore brk mlock mlock2 munlock mlockall munlockall
      membarrier pkey_alloc pkey_free pkey_mprotect
    `),
  },
  {
    name: "shared memory and semaphores of System V",
    reason: "Old libraries use them; the ipc namespace holds those of this worker alone.",
    verdict: allow,
    calls: names(`
      shmget shmat shmctl shmdt semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
    `),
  },
  {
    name: "processes and threads",
    reason:
      "R forks for parallel::mclapply and starts other programs; the pid namespace holds those of " +
      "this worker alone. clone has a group of its own.",
    verdict: allow,
    calls: names(`
      fork vfork execve execveat exit exit_group wait4 waitid getpid getppid gettid
      getpgid setpgid getpgrp getsid setsid pidfd_open set_tid_address
      set_robust_list get_robust_list rseq arch_prctl futex futex_waitv
    `),
  },
  {
    name: "signals",
    reason: "Programs handle signals and send them, within their pid namespace.",
    verdict: allow,
    calls: names(`
      kill tkill tgkill pidfd_send_signal pause restart_syscall
      rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend
      rt_sigqueueinfo rt_tgsigqueueinfo sigaltstack
    `),
  },
  {
    name: "time",
    reason: "Programs read clocks, sleep and set timers.",
    verdict: allow,
    calls: names(`
      time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep times alarm
      getitimer setitimer timer_create timer_settime timer_gettime timer_getoverrun timer_delete
    `),
  },
  {
    name: "scheduling and limits",
    reason:
      "Programs look at their share of the machine and lower it, as parallel::mcaffinity does; " +
      "raising it takes capabilities that no worker has.",
    verdict: allow,
    calls: names(`
      sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam
      sched_getscheduler sched_setscheduler sched_getattr sched_setattr sched_rr_get_interval
      sched_get_priority_max sched_get_priority_min getpriority setpriority ioprio_get ioprio_set
      getrlimit setrlimit prlimit64 getrusage
    `),
  },
  {
    name: "user and group ids",
    reason:
      "Shells and daemons read ids and give up privileges; without capabilities, in a namespace " +
      "that maps one id, there is nothing to change to.",
    verdict: allow,
    calls: names(`
      getuid geteuid getgid getegid getresuid getresgid getgroups setuid setgid setreuid setregid
      setresuid setresgid setfsuid setfsgid setgroups capget capset
    `),
  },
  {
    name: "facts about the system",
    reason: "Programs ask for the kernel's name, free memory and random numbers.",
    verdict: allow,
    calls: names("uname sysinfo getcpu getrandom"),
  },
  {
    name: "connections",
    reason:
      "Apps answer requests and connect to services; where to is for the network namespace and the " +
      "firewall to decide. What sockets there can be is decided when they are made.",
    verdict: allow,
    calls: names(`
      bind listen accept accept4 connect shutdown getsockname getpeername getsockopt
      recvfrom recvmsg recvmmsg
    `),
  },
  {
    name: "sandboxes of a program's own",
    reason: "Landlock can only take rights away from whoever calls it and its children.",
    verdict: allow,
    calls: names("landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
  },
];
