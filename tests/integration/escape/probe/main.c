/* Runs every attempt and prints a line for each: name, verdict and evidence, with tabs between. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"
#include "targets.h"
#include "verdict.h"

/** How long one attempt may take, in milliseconds; each waits less than this for an answer. */
#define ATTEMPT_MS 15000

static const struct attempt_group *const GROUPS[] = {
    &FILES,     &PROCESSES, &IP,  &UNIX_SOCKETS, &FAMILIES,       &NAMESPACES, &MOUNTS,
    &PRIVILEGE, &IPC,       &KERNEL, &ADMINISTRATION, &DEVICES,        &LIMITS,
};

/** Every descriptor that the kernel could give has this number or a lower one. */
#define FD_LIMIT 65536
static unsigned char inherited[FD_LIMIT];

int is_inherited(int fd) {
  return fd >= 0 && fd < FD_LIMIT && inherited[fd];
}

static void note_inherited(void) {
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) exit(3);
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    int fd = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd < FD_LIMIT) inherited[fd] = 1;
  }
  closedir(folder);
}

static void try(const struct attempt *attempt, int report) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);
  report_to(report);
  attempt->run(attempt->argument);
  broken("it ended without a verdict");
}

/** Waits for the report, or for the end of whoever could still write it. */
static ssize_t await_report(int fd, char *text, size_t size) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  if (poll(&ready, 1, ATTEMPT_MS) != 1) return snprintf(text, size, "broken\tit hung");
  return read(fd, text, size - 1);
}

/** A filter that kills closes the way as well as one that refuses. */
static void describe_end(int status, char *text, size_t size) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
    snprintf(text, size, "closed\tkilled by SIGSYS");
  } else {
    snprintf(text, size, "broken\tended without a report, status %d", status);
  }
}

static void run_apart(const struct attempt *attempt) {
  int ends[2];
  char text[1024] = "";
  int status = 0;
  if (pipe(ends) == -1) exit(3);
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    try(attempt, ends[1]);
  }
  close(ends[1]);
  if (child == -1) {
    snprintf(text, sizeof text, "broken\tcannot fork: %s", strerror(errno));
  } else {
    ssize_t length = await_report(ends[0], text, sizeof text);
    kill(-child, SIGKILL);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    if (length <= 0) describe_end(status, text, sizeof text);
  }
  close(ends[0]);
  printf("%s\t%s\n", attempt->name, text);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 2 || getuid() == 0 || geteuid() == 0) {
    fprintf(stderr, "usage, not as root: probe FILE_OF_TARGETS\n");
    return 2;
  }
  note_inherited();
  load_targets(argv[1]);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  for (size_t i = 0; i < COUNT(GROUPS); i++) {
    printf("# %s\n", GROUPS[i]->name);
    for (size_t j = 0; j < GROUPS[i]->count; j++) run_apart(&GROUPS[i]->attempts[j]);
  }
  return 0;
}
