/* Other ids, capabilities, and programs that would bring them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe.h"

static void become_user(const char *argument) {
  (void)argument;
  settle(setuid(0), "setuid(0)");
}

static void become_group(const char *argument) {
  (void)argument;
  settle(setgid(0), "setgid(0)");
}

static void become_neighbour(const char *argument) {
  (void)argument;
  uid_t uid = getuid() + 1;
  settle(setresuid(uid, uid, uid), "setresuid to the uid of another");
}

static void join_groups(const char *argument) {
  (void)argument;
  gid_t groups[] = {0};
  settle(setgroups(1, groups), "setgroups");
}

/** It says what was before, whether it worked or not. */
static void become_file_user(const char *argument) {
  (void)argument;
  setfsuid(0);
  errno = EPERM;
  settle(setfsuid(-1) == 0 ? 0 : -1, "setfsuid(0)");
}

static void take_capabilities(const char *argument) {
  (void)argument;
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{1u << CAP_NET_RAW, 1u << CAP_NET_RAW, 0}, {0, 0, 0}};
  settle(syscall(SYS_capset, &header, data), "capset");
}

static void raise_ambient(const char *argument) {
  (void)argument;
  settle(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0), "PR_CAP_AMBIENT_RAISE");
}

static void allow_new_privileges(const char *argument) {
  (void)argument;
  settle(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
}

static void set_secure_bits(const char *argument) {
  (void)argument;
  settle(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS, 0, 0, 0), "PR_SET_SECUREBITS");
}

/** Any set left by whoever started this would do. */
static void find_capabilities(const char *line) {
  char text[8192];
  if (read_file("/proc/self/status", text, sizeof text) == -1) refused("read the own status");
  const char *found = strstr(text, line);
  if (found == NULL) broken("no %s", line);
  unsigned long long set = strtoull(found + strlen(line), NULL, 16);
  if (set != 0) worked("%s %llx", line, set);
  held("%s none", line);
}

static void find_groups(const char *argument) {
  (void)argument;
  gid_t groups[64];
  int count = getgroups(64, groups);
  if (count == -1) refused("getgroups");
  for (int i = 0; i < count; i++) {
    // Those that are not mapped into the user namespace look like this one.
    if (groups[i] != getgid()) worked("it is in group %u", groups[i]);
  }
  held("no groups");
}

/** Runs a program of the app's folder, which says `sign` when it has gained something. */
static _Noreturn void run_and_look(const char *name, const char *sign, char *const environment[]) {
  int ends[2];
  char text[256] = "";
  const char *path = path_of("%s/%s", target("app"), name);
  char *const argv[] = {"program", NULL};
  if (pipe(ends) == -1) broken("cannot make a pipe");
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execve(path, argv, environment);
    dprintf(STDOUT_FILENO, "failed: %s", strerrorname_np(errno));
    _exit(0);
  }
  close(ends[1]);
  waitpid(child, NULL, 0);
  if (read(ends[0], text, sizeof text - 1) <= 0) broken("%s said nothing", path);
  if (strstr(text, sign) != NULL) worked("%s", text);
  held("%s", text);
}

static void run_program(const char *name) {
  char *const environment[] = {NULL};
  run_and_look(name, "gained", environment);
}

/** The dynamic linker ignores it in programs that gain privileges. */
static void preload(const char *name) {
  const char *library = path_of("LD_PRELOAD=%s/preload.so", target("app"));
  char *const environment[] = {(char *)library, NULL};
  run_and_look(name, "preloaded", environment);
}

/** The attribute of revision 2 with CAP_NET_RAW; linux/capability.h, vfs_cap_data. */
static void give_file_capability(const char *argument) {
  (void)argument;
  const char *path = scratch("capable");
  const uint32_t flags = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  const uint32_t value[] = {flags, 1u << CAP_NET_RAW, 0, 0, 0};
  if (open(path, O_CREAT | O_WRONLY, 0700) == -1) broken("cannot make a file");
  settle(setxattr(path, "security.capability", value, sizeof value, 0), "setxattr");
}

static const struct attempt ATTEMPTS[] = {
    {"setuid", become_user, NULL},
    {"setgid", become_group, NULL},
    {"setresuid_other", become_neighbour, NULL},
    {"setgroups", join_groups, NULL},
    {"setfsuid", become_file_user, NULL},
    {"effective_capabilities", find_capabilities, "CapEff:"},
    {"permitted_capabilities", find_capabilities, "CapPrm:"},
    {"inheritable_capabilities", find_capabilities, "CapInh:"},
    {"ambient_capabilities", find_capabilities, "CapAmb:"},
    {"bounding_capabilities", find_capabilities, "CapBnd:"},
    {"supplementary_groups", find_groups, NULL},
    {"capset", take_capabilities, NULL},
    {"ambient_raise", raise_ambient, NULL},
    {"no_new_privs_off", allow_new_privileges, NULL},
    {"securebits", set_secure_bits, NULL},
    {"set_id_program", run_program, "set_id"},
    {"set_id_preload", preload, "set_id"},
    {"file_capability_program", run_program, "capable"},
    {"file_capability", give_file_capability, NULL},
};

const struct attempt_group PRIVILEGE = GROUP("Privilege", ATTEMPTS);
