/* Changes of what is mounted, by the old calls and the new ones, and other roots. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

/* <sys/mount.h> and <linux/mount.h> do not go together in older C libraries. */
extern int mount(const char *, const char *, const char *, unsigned long, const void *);
extern int umount2(const char *, int);
#define EXPIRE 4

static void mount_type(const char *type) {
  settle(mount("none", target("scratch"), type, 0, NULL), "mount");
}

static void bind_mount(const char *source) {
  settle(mount(source, target("scratch"), NULL, MS_BIND, NULL), "mount");
}

static void remount_writable(const char *path) {
  settle(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL), "mount");
}

static void remount_app_writable(const char *argument) {
  (void)argument;
  remount_writable(target("app"));
}

/** Nothing is mounted there, so that nothing changes. */
static void change_propagation(const char *path) {
  settle_right(mount(NULL, path, NULL, MS_SHARED, NULL), EINVAL, "mount");
}

/** What was mounted over would come out. The first time, this way of unmounting only marks. */
static void unmount(const char *path) {
  long result = umount2(path, EXPIRE);
  settle_right(result, errno == EBUSY ? EBUSY : EAGAIN, "umount2");
}

static void unmount_app(const char *argument) {
  (void)argument;
  unmount(target("app"));
}

static void clone_tree(const char *path) {
  settle(syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE), "open_tree");
}

static void move_tree(const char *path) {
  long from = syscall(SYS_open_tree, AT_FDCWD, path, 0);
  if (from == -1) refused("open_tree");
  settle(syscall(SYS_move_mount, from, "", AT_FDCWD, target("scratch"), MOVE_MOUNT_F_EMPTY_PATH),
         "move_mount");
}

static void open_file_system(const char *type) {
  settle(syscall(SYS_fsopen, type, 0), "fsopen");
}

static void pick_file_system(const char *path) {
  settle(syscall(SYS_fspick, AT_FDCWD, path, 0), "fspick");
}

static void set_attributes(const char *path) {
  struct mount_attr attributes = {.attr_clr = MOUNT_ATTR_RDONLY};
  settle(syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attributes, sizeof attributes),
         "mount_setattr");
}

static void change_root(const char *path) {
  settle(chroot(path), "chroot");
}

/** The old way out: a folder outside of the new root leads up beyond it. */
static void leave_root(const char *argument) {
  (void)argument;
  int outside = open("/", O_RDONLY | O_DIRECTORY);
  if (outside == -1) broken("cannot open /");
  if (chroot(target("scratch")) == -1) refused("chroot");
  if (fchdir(outside) == -1) refused("fchdir");
  for (int i = 0; i < 64; i++) {
    if (chdir("..") == -1) refused("chdir");
  }
  settle(chroot("."), "chroot");
}

static void pivot(const char *argument) {
  (void)argument;
  settle_right(syscall(SYS_pivot_root, ".", "."), EBUSY, "pivot_root");
}

static const struct attempt ATTEMPTS[] = {
    {"mount_tmpfs", mount_type, "tmpfs"},
    {"mount_proc", mount_type, "proc"},
    {"mount_cgroup", mount_type, "cgroup2"},
    {"mount_bind", bind_mount, "/"},
    {"mount_shared", change_propagation, "/usr/bin"},
    {"remount_root", remount_writable, "/"},
    {"remount_usr", remount_writable, "/usr"},
    {"remount_app", remount_app_writable, NULL},
    {"umount_app", unmount_app, NULL},
    {"umount_proc", unmount, "/proc"},
    {"umount_tmp", unmount, "/tmp"},
    {"open_tree", clone_tree, "/"},
    {"move_mount", move_tree, "/usr"},
    {"fsopen", open_file_system, "tmpfs"},
    {"fspick", pick_file_system, "/"},
    {"mount_setattr", set_attributes, "/"},
    {"chroot", change_root, "/tmp"},
    {"chroot_dotdot", leave_root, NULL},
    {"pivot_root", pivot, NULL},
};

const struct attempt_group MOUNTS = GROUP("Mounts", ATTEMPTS);
