/* System calls that an app has no use for: doors into the kernel that much was found behind. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <asm/ldt.h>
#include <sys/io.h>
#endif

#include "probe.h"

static void io_uring(const char *argument) {
  (void)argument;
  struct io_uring_params params = {0};
  settle(syscall(SYS_io_uring_setup, 1, &params), "io_uring_setup");
}

static void bpf_map(const char *argument) {
  (void)argument;
  union bpf_attr attributes = {
      .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  settle(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes), "make a map");
}

static void bpf_program(const char *argument) {
  (void)argument;
  const struct bpf_insn code[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K},
      {.code = BPF_JMP | BPF_EXIT},
  };
  union bpf_attr attributes = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
                               .insns = (uintptr_t)code,
                               .insn_cnt = 2,
                               .license = (uintptr_t) "GPL"};
  settle(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes), "load a program");
}

static void perf(const char *of) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE,
                                       .size = sizeof attributes,
                                       .config = PERF_COUNT_SW_CPU_CLOCK,
                                       .exclude_kernel = 1};
  int is_self = strcmp(of, "self") == 0;
  settle(syscall(SYS_perf_event_open, &attributes, is_self ? 0 : -1, is_self ? -1 : 0, -1, 0), of);
}

static void fault_handler(const char *argument) {
  (void)argument;
  settle(syscall(SYS_userfaultfd, O_CLOEXEC), "userfaultfd");
}

static void user_fault_handler(const char *argument) {
  (void)argument;
  settle(syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY), "userfaultfd");
}

#if defined(__x86_64__)

static void local_descriptors(const char *argument) {
  (void)argument;
  struct user_desc entry = {.entry_number = 0, .limit = 0xfffff, .limit_in_pages = 1};
  settle(syscall(SYS_modify_ldt, 1, &entry, sizeof entry), "modify_ldt");
}

/** The entry for programs of 32 bits, where the numbers are others: getpid is 20. */
static void enter_32_bit(const char *argument) {
  (void)argument;
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
  if (result > 0) worked("int 0x80 gives pid %ld", result);
  errno = -result;
  refused("int 0x80");
}

/** keyctl(2), which would go around a filter that looks at numbers only. */
static void keyctl_32_bit(const char *argument) {
  (void)argument;
  long result;
  __asm__ volatile("int $0x80"
                   : "=a"(result)
                   : "a"(288), "b"(0), "c"(-3), "d"(1)
                   : "memory", "r8", "r9", "r10", "r11");
  if (result > 0) worked("int 0x80 gives keyring %ld", result);
  errno = -result;
  refused("int 0x80");
}

/** Numbers with bit 30 are those of x32. */
static void enter_x32(const char *argument) {
  (void)argument;
  settle(syscall(SYS_getpid | 0x40000000), "getpid of x32");
}

static void io_ports(const char *argument) {
  (void)argument;
  settle(ioperm(0x80, 1, 1), "ioperm");
}

static void io_level(const char *argument) {
  (void)argument;
  settle(iopl(3), "iopl");
}

#else

static void not_here(const char *argument) {
  (void)argument;
  absent("only x86-64 has it");
}
#define local_descriptors not_here
#define enter_32_bit not_here
#define keyctl_32_bit not_here
#define enter_x32 not_here
#define io_ports not_here
#define io_level not_here

#endif

static void set_personality(const char *flags) {
  settle(personality(strtoul(flags, NULL, 16)), "personality");
}

static void push_input(int fd) {
  settle(ioctl(fd, TIOCSTI, "x"), "TIOCSTI");
}

/** The terminal that the server was started on. */
static void push_to_server_terminal(const char *argument) {
  (void)argument;
  int fd = open("/dev/tty", O_RDWR);
  if (fd == -1) refused("open /dev/tty");
  push_input(fd);
}

static int own_terminal(void) {
  int master, slave;
  if (openpty(&master, &slave, NULL, NULL, NULL) == -1) refused("openpty");
  if (setsid() == -1 || ioctl(slave, TIOCSCTTY, 0) == -1) broken("cannot take a terminal");
  return slave;
}

/** A process group leader cannot have a session of its own, a child of it can. */
static void in_child(void (*run)(int)) {
  pid_t child = fork();
  if (child == -1) broken("cannot fork");
  if (child == 0) run(own_terminal());
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) raise(WTERMSIG(status));
  _exit(0);
}

static void push_to_own_terminal(const char *argument) {
  (void)argument;
  in_child(push_input);
}

/** Subcommand 3 pastes the selection of a virtual console. */
static void paste_input(int fd) {
  char paste = 3;
  settle(ioctl(fd, TIOCLINUX, &paste), "TIOCLINUX");
}

static void paste_to_own_terminal(const char *argument) {
  (void)argument;
  in_child(paste_input);
}

/** A supervisor of calls for its own children, which could answer them in the kernel's place. */
static void own_listener(const char *argument) {
  (void)argument;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  struct sock_filter allow = {.code = 0x06, .k = SECCOMP_RET_ALLOW};
  struct sock_fprog program = {1, &allow};
  settle(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program),
         "a filter with a listener");
}

static void restrict_self(const char *argument) {
  (void)argument;
  struct landlock_ruleset_attr attributes = {.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE};
  settle(syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0),
         "landlock_create_ruleset");
}

static void secret_memory(const char *argument) {
  (void)argument;
  settle(syscall(SYS_memfd_secret, 0), "memfd_secret");
}

/* Not in the headers of older C libraries; it has one number on all processors. */
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/** Which pages of a program the host has in memory tells what others run. */
static void page_cache(const char *argument) {
  (void)argument;
  uint64_t range[2] = {0, 0}, pages[5];
  int fd = open("/bin/sh", O_RDONLY);
  if (fd == -1) broken("cannot open /bin/sh");
  settle(syscall(SYS_cachestat, fd, range, pages, 0), "cachestat");
}

static void legacy_sysfs(const char *argument) {
  (void)argument;
#ifdef SYS_sysfs
  settle(syscall(SYS_sysfs, 3), "sysfs");
#else
  absent("only old processors have it");
#endif
}

static const struct attempt ATTEMPTS[] = {
    {"io_uring", io_uring, NULL},
    {"bpf_map", bpf_map, NULL},
    {"bpf_program", bpf_program, NULL},
    {"perf_self", perf, "self"},
    {"perf_host", perf, "host"},
    {"userfaultfd", fault_handler, NULL},
    {"userfaultfd_user_mode", user_fault_handler, NULL},
    {"modify_ldt", local_descriptors, NULL},
    {"int80", enter_32_bit, NULL},
    {"int80_keyctl", keyctl_32_bit, NULL},
    {"x32", enter_x32, NULL},
    {"ioperm", io_ports, NULL},
    {"iopl", io_level, NULL},
    {"personality_no_randomize", set_personality, "0x0040000"},
    {"personality_read_implies_exec", set_personality, "0x0400000"},
    {"personality_32", set_personality, "0x8"},
    {"tiocsti_server_terminal", push_to_server_terminal, NULL},
    {"tiocsti_own_terminal", push_to_own_terminal, NULL},
    {"tioclinux_own_terminal", paste_to_own_terminal, NULL},
    {"seccomp_listener", own_listener, NULL},
    {"landlock", restrict_self, NULL},
    {"memfd_secret", secret_memory, NULL},
    {"cachestat", page_cache, NULL},
    {"sysfs", legacy_sysfs, NULL},
};

const struct attempt_group KERNEL = GROUP("Kernel interfaces", ATTEMPTS);
