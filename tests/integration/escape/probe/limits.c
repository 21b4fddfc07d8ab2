/* More of the host than a worker is to have. Each ends when it has what no worker may have. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

#define MIB (1024ll * 1024)

/** Above what the sandbox gives to /tmp and /dev/shm, in bytes. */
#define TMP_BYTES (257 * MIB)
#define SHM_BYTES (65 * MIB)

static _Noreturn void fill(const char *path, long long bytes) {
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  if (fd == -1) refused("make %s", path);
  unlink(path);
  int error = posix_fallocate(fd, 0, bytes);
  errno = error;
  settle(error == 0 ? 0 : -1, "allocate in a temporary folder");
}

static void fill_tmp(const char *argument) {
  (void)argument;
  fill(scratch("big"), TMP_BYTES);
}

static void fill_shm(const char *argument) {
  (void)argument;
  fill(path_of("/dev/shm/escape-big-%d", getpid()), SHM_BYTES);
}

/** Empty files cost memory of the kernel, which no size of a tmpfs bounds. */
static void count_inodes(const char *path) {
  struct statvfs info;
  if (statvfs(path, &info) == -1) refused("statvfs");
  if (info.f_files > 65536) worked("room for %lu files", (unsigned long)info.f_files);
  held("room for %lu files", (unsigned long)info.f_files);
}

static void exceed_file_size(const char *argument) {
  (void)argument;
  int fd = open(scratch("sparse"), O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (fd == -1) broken("cannot make a file");
  settle(ftruncate(fd, 1024 * MIB + 1), "a file above 1 GiB");
}

#define MANY_PROCESSES 300

static void fork_many(const char *argument) {
  (void)argument;
  for (int i = 0; i < MANY_PROCESSES; i++) {
    pid_t child = fork();
    if (child == -1) refused("after %d processes", i);
    if (child == 0) {
      for (;;) pause();
    }
  }
  worked("%d processes", MANY_PROCESSES);
}

static void *wait_for_ever(void *argument) {
  for (;;) pause();
  return argument;
}

static void start_threads(const char *argument) {
  (void)argument;
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 65536);
  for (int i = 0; i < MANY_PROCESSES; i++) {
    errno = pthread_create(&thread, &attributes, wait_for_ever, NULL);
    if (errno != 0) refused("after %d threads", i);
  }
  worked("%d threads", MANY_PROCESSES);
}

static void open_many(const char *argument) {
  (void)argument;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < 4100; i++) {
    if (open("/dev/null", O_RDONLY) == -1) refused("after %d files", i);
  }
  worked("4100 files");
}

/** To one more than the hard limit, which takes a capability. */
static void raise_limit(const char *number) {
  int resource = atoi(number);
  struct rlimit limit;
  if (getrlimit(resource, &limit) == -1) broken("getrlimit");
  if (limit.rlim_max == RLIM_INFINITY) worked("there is no limit");
  limit.rlim_max++;
  settle(setrlimit(resource, &limit), "setrlimit");
}

static void lock_memory(const char *argument) {
  (void)argument;
  void *memory = mmap(NULL, 16 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) broken("no memory");
  settle(mlock(memory, 16 * MIB), "lock 16 MiB");
}

static void queue_signals(const char *argument) {
  (void)argument;
  sigset_t set;
  union sigval value = {.sival_int = 0};
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = 0; i < 1100; i++) {
    if (sigqueue(getpid(), SIGRTMIN, value) == -1) refused("after %d signals", i);
  }
  worked("1100 queued signals");
}

static void raise_priority(const char *argument) {
  (void)argument;
  settle(setpriority(PRIO_PROCESS, 0, -20), "setpriority");
}

static void schedule(const char *policy) {
  struct sched_param param = {.sched_priority = 1};
  settle(sched_setscheduler(0, atoi(policy), &param), "sched_setscheduler");
}

/** Of the size of the first version; linux/sched/types.h. */
static void schedule_deadline(const char *argument) {
  (void)argument;
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attributes = {.size = 48, .policy = 6, .runtime = 1e6, .deadline = 1e7, .period = 1e7};
  settle(syscall(SYS_sched_setattr, 0, &attributes, 0), "sched_setattr");
}

/** Class 1 is real time; linux/ioprio.h. */
static void raise_io_priority(const char *argument) {
  (void)argument;
  settle(syscall(SYS_ioprio_set, 1, 0, 1 << 13), "ioprio_set");
}

static void dump_core(const char *argument) {
  (void)argument;
  int status = 0;
  if (chdir(target("scratch")) == -1) broken("cannot go to the scratch folder");
  pid_t child = fork();
  if (child == 0) abort();
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) broken("the child did not crash");
  if (WCOREDUMP(status)) worked("the kernel wrote a core");
  held("the kernel wrote no core");
}

static void huge_pages(const char *argument) {
  (void)argument;
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE;
  void *memory = mmap(NULL, 2 * MIB, PROT_READ, flags, -1, 0);
  settle(memory == MAP_FAILED ? -1 : 0, "map a huge page");
}

#define TEXT_(value) #value
#define TEXT(value) TEXT_(value)

static const struct attempt ATTEMPTS[] = {
    {"tmp_size", fill_tmp, NULL},
    {"shm_size", fill_shm, NULL},
    {"tmp_inodes", count_inodes, "/tmp"},
    {"shm_inodes", count_inodes, "/dev/shm"},
    {"file_size", exceed_file_size, NULL},
    {"processes", fork_many, NULL},
    {"threads", start_threads, NULL},
    {"open_files", open_many, NULL},
    {"raise_nofile", raise_limit, "7"},
    {"raise_nproc", raise_limit, "6"},
    {"raise_core", raise_limit, "4"},
    {"raise_memlock", raise_limit, "8"},
    {"raise_msgqueue", raise_limit, "12"},
    {"raise_sigpending", raise_limit, "11"},
    {"raise_fsize", raise_limit, "1"},
    {"raise_nice", raise_limit, "13"},
    {"raise_rtprio", raise_limit, "14"},
    {"locked_memory", lock_memory, NULL},
    {"queued_signals", queue_signals, NULL},
    {"nice", raise_priority, NULL},
    {"sched_fifo", schedule, TEXT(SCHED_FIFO)},
    {"sched_deadline", schedule_deadline, NULL},
    {"ioprio_realtime", raise_io_priority, NULL},
    {"core_dump", dump_core, NULL},
    {"huge_pages", huge_pages, NULL},
};

const struct attempt_group LIMITS = GROUP("Limits", ATTEMPTS);
