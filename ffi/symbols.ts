/**
 * The functions of glibc that blockyard calls, each under its C prototype. All of them have the
 * same signature on x86-64 and aarch64, where `long`, `size_t` and pointers have 64 bits.
 *
 * The variadic ones (`prctl`, `syscall`, `fcntl`) may be declared with fixed parameters because
 * the Linux calling conventions of both architectures pass variadic integers as if they were named.
 */
export const LIBC_SYMBOLS = {
  /** int *__errno_location(void) */
  __errno_location: { parameters: [], result: "pointer" },

  /** int setgroups(size_t size, const gid_t *list) */
  setgroups: { parameters: ["usize", "buffer"], result: "i32" },
  /** int getgroups(int size, gid_t list[]) */
  getgroups: { parameters: ["i32", "buffer"], result: "i32" },
  /** int setresgid(gid_t rgid, gid_t egid, gid_t sgid) */
  setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** int setresuid(uid_t ruid, uid_t euid, uid_t suid) */
  setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  /** int getresgid(gid_t *rgid, gid_t *egid, gid_t *sgid) */
  getresgid: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  /** int getresuid(uid_t *ruid, uid_t *euid, uid_t *suid) */
  getresuid: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },

  /** int prctl(int op, unsigned long arg2, …, unsigned long arg5) */
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
  /** int execve(const char *path, char *const argv[], char *const envp[]) */
  execve: { parameters: ["buffer", "buffer", "buffer"], result: "i32" },
  /** pid_t getppid(void) */
  getppid: { parameters: [], result: "i32" },
  /** pid_t waitpid(pid_t pid, int *status, int options) */
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  /** int sigprocmask(int how, const sigset_t *set, sigset_t *oldset) */
  sigprocmask: { parameters: ["i32", "buffer", "pointer"], result: "i32" },
  /** int prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old) */
  prlimit: { parameters: ["i32", "i32", "buffer", "buffer"], result: "i32" },
  /** long sysconf(int name) */
  sysconf: { parameters: ["i32"], result: "i64" },
  /** mode_t umask(mode_t mask) */
  umask: { parameters: ["u32"], result: "u32" },
  /** int chdir(const char *path) */
  chdir: { parameters: ["buffer"], result: "i32" },

  /** int open(const char *path, int flags, mode_t mode) */
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  /** int openat(int dirfd, const char *path, int flags, mode_t mode) */
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  /** int close(int fd) */
  close: { parameters: ["i32"], result: "i32" },
  /** int dup2(int oldfd, int newfd) */
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  /** int dup3(int oldfd, int newfd, int flags) */
  dup3: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** int fcntl(int fd, int op, int arg) */
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** ssize_t write(int fd, const void *buf, size_t count) */
  write: { parameters: ["i32", "buffer", "usize"], result: "i64" },
  /** off_t lseek(int fd, off_t offset, int whence) */
  lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
  /** int memfd_create(const char *name, unsigned int flags) */
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },

  /** ssize_t getxattr(const char *path, const char *name, void *value, size_t size) */
  getxattr: { parameters: ["buffer", "buffer", "buffer", "usize"], result: "i64" },

  /** int madvise(void *addr, size_t length, int advice) */
  madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },

  /** int socket(int domain, int type, int protocol) */
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  /** int setsockopt(int fd, int level, int name, const void *value, socklen_t length) */
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  /** int getsockopt(int fd, int level, int name, void *value, socklen_t *length) */
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  /** int bind(int fd, const struct sockaddr *address, socklen_t length) */
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  /** int connect(int fd, const struct sockaddr *address, socklen_t length) */
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },

  /** long syscall(long number, …): for calls that older glibc versions do not wrap */
  syscall: { parameters: ["i64", "i64", "i64", "i64", "i64", "i64"], result: "i64" },
} as const satisfies Deno.ForeignLibraryInterface;
