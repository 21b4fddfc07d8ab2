/* New namespaces, in which a process would have capabilities, and the namespaces of others. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

/* The flags of clone(2) by the names that /proc/PID/ns has. */
static const struct {
  const char *name;
  unsigned long flag;
} KINDS[] = {
    {"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},     {"net", CLONE_NEWNET},
    {"pid", CLONE_NEWPID},       {"ipc", CLONE_NEWIPC},    {"uts", CLONE_NEWUTS},
    {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME},
};

static unsigned long flag_of(const char *kind) {
  for (size_t i = 0; i < COUNT(KINDS); i++) {
    if (strcmp(KINDS[i].name, kind) == 0) return KINDS[i].flag;
  }
  broken("%s is no kind of namespace", kind);
}

static void unshare_one(const char *kind) {
  settle(unshare(flag_of(kind)), "unshare");
}

static void clone_one(const char *kind) {
  long child = syscall(SYS_clone, flag_of(kind) | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  settle(child, "clone");
}

static void clone3_one(const char *kind) {
  struct clone_args args = {.flags = flag_of(kind), .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(0);
  settle(child, "clone3");
}

/** What somebody gains who may have a user namespace. */
static void unshare_with_user(const char *kind) {
  settle(unshare(CLONE_NEWUSER | flag_of(kind)), "unshare");
}

static void mount_in_user_namespace(const char *argument) {
  (void)argument;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) == -1) refused("unshare");
  settle(mount("none", target("scratch"), "tmpfs", 0, NULL), "mount");
}

static void netfilter_in_user_namespace(const char *argument) {
  (void)argument;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1) refused("unshare");
  settle(socket(AF_NETLINK, SOCK_RAW, 12), "socket of netfilter");
}

static void enter(const char *of, const char *kind) {
  int fd = open(path_of("/proc/%s/ns/%s", of, kind), O_RDONLY | O_CLOEXEC);
  if (fd == -1) refused("open its %s namespace", kind);
  settle(setns(fd, flag_of(kind)), "setns");
}

static void enter_init(const char *kind) {
  enter("1", kind);
}

static void enter_server(const char *kind) {
  enter(target("server_pid"), kind);
}

static void enter_by_pidfd(const char *kind) {
  int pidfd = syscall(SYS_pidfd_open, 1, 0);
  if (pidfd == -1) refused("pidfd_open");
  settle(setns(pidfd, flag_of(kind)), "setns");
}

static void enter_parent(const char *argument) {
  (void)argument;
  int own = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  if (own == -1) refused("open the own user namespace");
  int parent = ioctl(own, NS_GET_PARENT);
  if (parent == -1) refused("NS_GET_PARENT");
  settle(setns(parent, CLONE_NEWUSER), "setns");
}

static void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd == -1) refused("open %s", path);
  settle(write(fd, text, strlen(text)), path);
}

static void map_root(const char *argument) {
  (void)argument;
  write_to("/proc/self/uid_map", "0 0 1\n");
}

static void allow_setgroups(const char *argument) {
  (void)argument;
  write_to("/proc/self/setgroups", "allow");
}

static void allow_namespaces(const char *argument) {
  (void)argument;
  settle_open("/proc/sys/user/max_user_namespaces", O_WRONLY);
}

static const struct attempt ATTEMPTS[] = {
    {"unshare_user", unshare_one, "user"},
    {"unshare_mount", unshare_one, "mnt"},
    {"unshare_net", unshare_one, "net"},
    {"unshare_pid", unshare_one, "pid"},
    {"unshare_ipc", unshare_one, "ipc"},
    {"unshare_uts", unshare_one, "uts"},
    {"unshare_cgroup", unshare_one, "cgroup"},
    {"unshare_time", unshare_one, "time"},
    {"unshare_user_mount", unshare_with_user, "mnt"},
    {"unshare_user_net", unshare_with_user, "net"},
    {"clone_user", clone_one, "user"},
    {"clone_mount", clone_one, "mnt"},
    {"clone_net", clone_one, "net"},
    {"clone3_user", clone3_one, "user"},
    {"clone3_pid", clone3_one, "pid"},
    {"mount_in_userns", mount_in_user_namespace, NULL},
    {"netfilter_in_userns", netfilter_in_user_namespace, NULL},
    {"setns_init_user", enter_init, "user"},
    {"setns_init_mount", enter_init, "mnt"},
    {"setns_init_net", enter_init, "net"},
    {"setns_init_pid", enter_init, "pid"},
    {"setns_server_user", enter_server, "user"},
    {"setns_server_mount", enter_server, "mnt"},
    {"setns_server_net", enter_server, "net"},
    {"setns_pidfd_mount", enter_by_pidfd, "mnt"},
    {"setns_parent_user", enter_parent, NULL},
    {"uid_map", map_root, NULL},
    {"setgroups_file", allow_setgroups, NULL},
    {"max_user_namespaces", allow_namespaces, NULL},
};

const struct attempt_group NAMESPACES = GROUP("Namespaces", ATTEMPTS);
