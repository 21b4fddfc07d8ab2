/* The server, the sandbox's first process, and whoever else runs on the host. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

/** The process that an attempt is about: `init` is the first one of the sandbox. */
static pid_t process(const char *name) {
  if (strcmp(name, "init") == 0) return 1;
  if (strcmp(name, "child") == 0) return waiting_child();
  return target_number(path_of("%s_pid", name));
}

static const char *proc_path(const char *of, const char *file) {
  return path_of("/proc/%d/%s", process(of), file);
}

static void read_environment(const char *of) {
  settle_secret(proc_path(of, "environ"));
}

/** The first process of the sandbox is to have no environment at all. */
static void read_init_environment(const char *argument) {
  (void)argument;
  char text[65536];
  long length = read_file("/proc/1/environ", text, sizeof text);
  if (length == -1) refused("read /proc/1/environ");
  if (length > 0) worked("%ld bytes: %s", length, text);
  held("empty");
}

static void read_command_line(const char *of) {
  char text[65536];
  long length = read_file(proc_path(of, "cmdline"), text, sizeof text);
  if (length == -1) refused("read the command line");
  if (holds(text, length, target("host_folder"))) worked("it names %s", target("host_folder"));
  held("it names nothing of the host");
}

static void find_in_proc(const char *of) {
  char text[4096];
  if (read_file(proc_path(of, "stat"), text, sizeof text) == -1) refused("read its stat");
  worked("%s", text);
}

static void read_through_root(const char *of) {
  settle_secret(path_of("/proc/%d/root%s", process(of), target("world_readable_file")));
}

static void read_through_cwd(const char *of) {
  const char *up = "../../../../../..";
  settle_secret(path_of("/proc/%d/cwd/%s%s", process(of), up, target("world_readable_file")));
}

/** Beyond the three that every process has. */
static void open_descriptors(const char *of) {
  const char *path = proc_path(of, "fd");
  DIR *folder = opendir(path);
  if (folder == NULL) refused("list %s", path);
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    if (atoi(entry->d_name) < 3) continue;
    int fd = openat(dirfd(folder), entry->d_name, O_RDONLY | O_NONBLOCK);
    if (fd != -1) worked("opened descriptor %s of it", entry->d_name);
  }
  refused("no descriptor above 2 opens");
}

static void open_memory(const char *of) {
  settle_open(proc_path(of, "mem"), O_RDWR);
}

static void list_memory(const char *of) {
  char text[256];
  settle(read_file(proc_path(of, "maps"), text, sizeof text), "read its maps");
}

/** Nothing is mapped at 8, so that EFAULT says that the kernel would have looked. */
static void settle_remote(long result, const char *what) {
  if (result == -1 && errno != EFAULT && errno != EIO) refused("%s", what);
  worked("%s", what);
}

static void read_memory(const char *of) {
  char byte;
  struct iovec here = {&byte, 1}, there = {(void *)8, 1};
  settle_remote(process_vm_readv(process(of), &here, 1, &there, 1, 0), "process_vm_readv");
}

static void write_memory(const char *of) {
  char byte = 0;
  struct iovec here = {&byte, 1}, there = {(void *)8, 1};
  settle_remote(process_vm_writev(process(of), &here, 1, &there, 1, 0), "process_vm_writev");
}

static void trace(const char *of) {
  pid_t pid = process(of);
  long result = ptrace(PTRACE_SEIZE, pid, 0, 0);
  if (result == 0) ptrace(PTRACE_DETACH, pid, 0, 0);
  settle(result, "PTRACE_SEIZE");
}

static void open_pidfd(const char *of) {
  settle(syscall(SYS_pidfd_open, process(of), 0), "pidfd_open");
}

static void take_descriptor(const char *of) {
  int pidfd = syscall(SYS_pidfd_open, process(of), 0);
  if (pidfd == -1) refused("pidfd_open");
  settle(syscall(SYS_pidfd_getfd, pidfd, 0, 0), "pidfd_getfd");
}

static void advise_memory(const char *of) {
  struct iovec there = {(void *)4096, 4096};
  int pidfd = syscall(SYS_pidfd_open, process(of), 0);
  if (pidfd == -1) refused("pidfd_open");
  long result = syscall(SYS_process_madvise, pidfd, &there, 1, MADV_COLD, 0);
  // ENOMEM says that nothing is mapped there, so that the kernel has looked.
  if (result == -1 && errno != ENOMEM) refused("process_madvise");
  worked("process_madvise");
}

static void compare(const char *of) {
  settle(syscall(SYS_kcmp, getpid(), process(of), KCMP_FILES, 0, 0), "kcmp");
}

/** Signal 0 asks for the right to send one and sends none. */
static void send_signal(const char *to) {
  settle(kill(process(to), 0), "kill");
}

static void queue_signal(const char *to) {
  union sigval value = {.sival_int = 0};
  settle(sigqueue(process(to), 0, value), "sigqueue");
}

/** The kernel sends it on behalf of a descriptor's owner. */
static void own_descriptor(const char *to) {
  int ends[2];
  if (pipe(ends) == -1) broken("cannot make a pipe");
  settle(fcntl(ends[0], F_SETOWN, process(to)), "F_SETOWN");
}

/** The first process of a namespace gets no signal from within, unless the namespace is another. */
static void kill_init(const char *argument) {
  (void)argument;
  const struct timespec moment = {.tv_nsec = 50000000};
  if (kill(1, SIGKILL) == -1) refused("kill the first process");
  nanosleep(&moment, NULL);
  held("the first process lives on");
}

/** To what they are already. */
static void change_limits(const char *of) {
  struct rlimit limit;
  if (prlimit(process(of), RLIMIT_CORE, NULL, &limit) == -1) refused("read its limits");
  settle(prlimit(process(of), RLIMIT_CORE, &limit, NULL), "change its limits");
}

static void read_affinity(const char *of) {
  cpu_set_t set;
  settle(sched_getaffinity(process(of), sizeof set, &set), "sched_getaffinity");
}

static void read_priority(const char *of) {
  errno = 0;
  int priority = getpriority(PRIO_PROCESS, process(of));
  settle(errno == 0 ? priority * priority : -1, "getpriority");
}

static void read_session(const char *of) {
  settle(getsid(process(of)), "getsid");
}

static void migrate_memory(const char *of) {
  unsigned long node = 1;
  settle(syscall(SYS_migrate_pages, process(of), 8, &node, &node), "migrate_pages");
}

static void lower_oom_score(const char *of) {
  int fd = open(proc_path(of, "oom_score_adj"), O_WRONLY);
  if (fd == -1) refused("open its oom_score_adj");
  settle(write(fd, "-1000", 5), "write -1000 to its oom_score_adj");
}

static void lower_own_oom_score(const char *argument) {
  (void)argument;
  int fd = open("/proc/self/oom_score_adj", O_WRONLY);
  if (fd == -1) refused("open oom_score_adj");
  settle(write(fd, "-1000", 5), "write -1000");
}

static void find_secret_in_environment(const char *argument) {
  (void)argument;
  for (char **entry = environ; *entry != NULL; entry++) {
    if (strstr(*entry, target("secret")) != NULL) worked("%s", *entry);
  }
  held("the environment holds nothing of the server's");
}

/** What a parent left open for the server, or the server for its launchers. */
static void find_inherited(const char *argument) {
  (void)argument;
  for (int fd = 3; fd < 65536; fd++) {
    char link[256] = "";
    if (!is_inherited(fd)) continue;
    if (readlink(path_of("/proc/self/fd/%d", fd), link, sizeof link - 1) == -1) continue;
    worked("descriptor %d is %s", fd, link);
  }
  held("none but 0, 1 and 2");
}

/** The first three must not be more than they seem: a terminal, a folder, a device. */
static void find_odd_standard_stream(const char *argument) {
  (void)argument;
  for (int fd = 0; fd < 3; fd++) {
    char link[256] = "";
    if (readlink(path_of("/proc/self/fd/%d", fd), link, sizeof link - 1) == -1) continue;
    if (strcmp(link, "/dev/null") != 0 && strncmp(link, "pipe:", 5) != 0) {
      worked("descriptor %d is %s", fd, link);
    }
  }
  held("/dev/null and pipes");
}

static const struct attempt ATTEMPTS[] = {
    {"environment", find_secret_in_environment, NULL},
    {"inherited_fds", find_inherited, NULL},
    {"standard_streams", find_odd_standard_stream, NULL},
    {"server_in_proc", find_in_proc, "server"},
    {"server_environ", read_environment, "server"},
    {"server_cmdline", read_command_line, "server"},
    {"server_root", read_through_root, "server"},
    {"server_cwd", read_through_cwd, "server"},
    {"server_fds", open_descriptors, "server"},
    {"server_mem", open_memory, "server"},
    {"server_maps", list_memory, "server"},
    {"server_vm_read", read_memory, "server"},
    {"server_vm_write", write_memory, "server"},
    {"server_ptrace", trace, "server"},
    {"server_pidfd", open_pidfd, "server"},
    {"server_getfd", take_descriptor, "server"},
    {"server_madvise", advise_memory, "server"},
    {"server_kcmp", compare, "server"},
    {"server_signal", send_signal, "server"},
    {"server_sigqueue", queue_signal, "server"},
    {"server_sigio", own_descriptor, "server"},
    {"server_prlimit", change_limits, "server"},
    {"server_affinity", read_affinity, "server"},
    {"server_priority", read_priority, "server"},
    {"server_session", read_session, "server"},
    {"server_migrate", migrate_memory, "server"},
    {"neighbour_in_proc", find_in_proc, "neighbour"},
    {"neighbour_signal", send_signal, "neighbour"},
    {"neighbour_ptrace", trace, "neighbour"},
    {"neighbour_vm_read", read_memory, "neighbour"},
    {"neighbour_root", read_through_root, "neighbour"},
    {"neighbour_oom_score", lower_oom_score, "neighbour"},
    {"monitor_in_proc", find_in_proc, "monitor"},
    {"monitor_signal", send_signal, "monitor"},
    {"monitor_ptrace", trace, "monitor"},
    {"init_kill", kill_init, NULL},
    {"init_environ", read_init_environment, NULL},
    {"init_cmdline", read_command_line, "init"},
    {"init_root", read_through_root, "init"},
    {"init_cwd", read_through_cwd, "init"},
    {"init_fds", open_descriptors, "init"},
    {"init_mem", open_memory, "init"},
    {"init_maps", list_memory, "init"},
    {"init_vm_read", read_memory, "init"},
    {"init_ptrace", trace, "init"},
    {"init_getfd", take_descriptor, "init"},
    {"init_kcmp", compare, "init"},
    {"child_ptrace", trace, "child"},
    {"child_vm_read", read_memory, "child"},
    {"child_getfd", take_descriptor, "child"},
    {"own_oom_score", lower_own_oom_score, NULL},
};

const struct attempt_group PROCESSES = GROUP("Processes", ATTEMPTS);
