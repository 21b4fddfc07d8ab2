/* Files of the host, of the server and of other apps, and ways around the read-only root. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

static void read_target(const char *name) {
  settle_secret(target(name));
}

static void read_through_dotdot(const char *name) {
  settle_secret(path_of("%s/../../../../../..%s", target("app"), target(name)));
}

/** The parent of a mounted folder could be the one that it has on the host. */
static void read_from_folder_fd(const char *name) {
  int folder = open(target("app"), O_PATH | O_DIRECTORY);
  if (folder == -1 || fchdir(folder) == -1) broken("cannot go to the app");
  settle_secret(path_of("../../../../../..%s", target(name)));
}

static void read_in_app(const char *name) {
  settle_secret(path_of("%s/%s", target("app"), name));
}

static void read_through_own_link(const char *name) {
  const char *link = scratch("link");
  if (symlink(target(name), link) == -1) broken("cannot make a link");
  settle_secret(link);
}

static void read_through_proc_root(const char *prefix) {
  settle_secret(path_of("%s%s", prefix, target("world_readable_file")));
}

static void open_for_reading(const char *path) {
  settle_open(path, O_RDONLY);
}

static void read_host_accounts(const char *argument) {
  (void)argument;
  char text[65536];
  long length = read_file("/etc/passwd", text, sizeof text);
  if (length == -1) refused("read /etc/passwd");
  if (holds(text, length, "root:")) worked("/etc/passwd names root");
  held("/etc/passwd names no user of the host");
}

/** A sandbox may have an entry of its own in /run, for the app's socket. */
static void list_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) refused("list %s", path);
  struct dirent *entry;
  while ((entry = readdir(folder)) != NULL) {
    int is_own = entry->d_name[0] == '.' || strcmp(entry->d_name, "blockyard") == 0;
    if (!is_own) worked("%s has %s", path, entry->d_name);
  }
  held("%s has nothing of the host", path);
}

/** Makes a file, and takes it away where that worked. */
static void make_file(const char *folder) {
  const char *path = path_of("%s/escape-probe-%d", folder, getpid());
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (fd != -1) unlink(path);
  settle(fd, "make a file");
}

static void make_file_in_app(const char *argument) {
  (void)argument;
  make_file(target("app"));
}

static void open_app_file_to_write(const char *argument) {
  (void)argument;
  settle_open(path_of("%s/plain", target("app")), O_WRONLY);
}

static void chmod_app_file(const char *argument) {
  (void)argument;
  settle(chmod(path_of("%s/plain", target("app")), 0644), "change the mode of a file of the app");
}

static void rename_app_file(const char *argument) {
  (void)argument;
  const char *from = path_of("%s/plain", target("app"));
  settle(rename(from, from), "rename a file of the app to its own name");
}

/** The set-id bit would come along, and outlive an update of the program. */
static void hard_link(const char *name) {
  const char *file = path_of("%s/%s", target("app"), name);
  settle(link(file, scratch("hard-link")), "link a file of the app");
}

static void run_and_settle(int fd, const char *path) {
  char *const argv[] = {"true", NULL};
  char *const environment[] = {NULL};
  pid_t child = fork();
  if (child == -1) broken("cannot fork");
  if (child == 0) {
    if (path != NULL) execve(path, argv, environment);
    else fexecve(fd, argv, environment);
    _exit(errno);
  }
  int status;
  if (waitpid(child, &status, 0) == -1) broken("cannot wait");
  if (path != NULL) unlink(path);
  errno = WEXITSTATUS(status);
  if (status != 0) refused("execute a file that the probe wrote");
  worked("execute a file that the probe wrote");
}

static void copy_program(int to) {
  static char bytes[8 << 20];
  long length = read_file("/bin/true", bytes, sizeof bytes);
  if (length <= 0 || write(to, bytes, length) != length) broken("cannot copy a program");
}

static void execute_from(const char *folder) {
  const char *path = folder == NULL ? scratch("program") : path_of("%s/escape-program", folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0700);
  if (fd == -1) broken("cannot write %s", path);
  copy_program(fd);
  close(fd);
  run_and_settle(-1, path);
}

static void execute_memfd(const char *argument) {
  (void)argument;
  int fd = memfd_create("program", 0);
  if (fd == -1) refused("memfd_create");
  copy_program(fd);
  run_and_settle(fd, NULL);
}

/** A set-id file on a file system of the worker's own would be a way to keep or gain an id. */
static void make_set_id_file(const char *argument) {
  (void)argument;
  const char *path = scratch("set-id");
  struct stat info;
  if (open(path, O_CREAT | O_WRONLY, 0700) == -1) broken("cannot make a file");
  if (chown(path, 0, -1) == -1) refused("give a file to root");
  if (chmod(path, 04755) == -1 || stat(path, &info) == -1) refused("set its set-id bit");
  worked("a set-id file of uid %u", info.st_uid);
}

#define HANDLE_BYTES 128

static int handle_of(const char *path, struct file_handle *handle) {
  int mount;
  handle->handle_bytes = HANDLE_BYTES;
  return name_to_handle_at(AT_FDCWD, path, handle, &mount, 0);
}

static void name_handle(const char *argument) {
  (void)argument;
  char space[sizeof(struct file_handle) + HANDLE_BYTES];
  settle(handle_of(target("app"), (struct file_handle *)space), "name_to_handle_at of the app");
}

/**
 * The root folder of ext2 to ext4 has the inode 2, so that nothing is to be guessed; see
 * linux/exportfs.h, FILEID_INO32_GEN.
 */
static void open_by_handle(const char *argument) {
  (void)argument;
  char space[sizeof(struct file_handle) + HANDLE_BYTES];
  struct file_handle *handle = (struct file_handle *)space;
  const uint32_t root[2] = {2, 0};
  handle->handle_bytes = sizeof root;
  handle->handle_type = 1;
  memcpy(handle->f_handle, root, sizeof root);
  int folder = open(target("app"), O_RDONLY | O_DIRECTORY);
  if (folder == -1) broken("cannot open the app");
  settle(open_by_handle_at(folder, handle, O_RDONLY), "open the root of the file system by handle");
}

static void watch(const char *name) {
  int fd = inotify_init1(IN_CLOEXEC);
  if (fd == -1) refused("inotify_init1");
  const char *path = target(name);
  settle(inotify_add_watch(fd, path, IN_ALL_EVENTS), path);
}

static void watch_file_system(const char *argument) {
  (void)argument;
  int fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
  if (fd == -1) refused("fanotify_init");
  settle(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, "/"), "mark /");
}

static const struct attempt ATTEMPTS[] = {
    {"host_file_0644", read_target, "world_readable_file"},
    {"host_file_0600", read_target, "private_file"},
    {"other_app", read_target, "other_app_file"},
    {"other_app_dotdot", read_through_dotdot, "other_app_file"},
    {"other_app_folder_fd", read_from_folder_fd, "other_app_file"},
    {"server_data", read_target, "server_file"},
    {"admin_token", read_target, "token_file"},
    {"server_tmp", read_target, "server_tmp_file"},
    {"neighbour_tmp", read_target, "neighbour_tmp_file"},
    {"neighbour_shm", read_target, "neighbour_shm_file"},
    {"server_shm", read_target, "server_shm_file"},
    {"bundle_link", read_in_app, "link"},
    {"bundle_link_oldroot", read_in_app, "link-oldroot"},
    {"bundle_link_proc", read_in_app, "link-proc"},
    {"own_link", read_through_own_link, "world_readable_file"},
    {"oldroot", read_through_proc_root, "/oldroot"},
    {"newroot", read_through_proc_root, "/newroot"},
    {"self_root", read_through_proc_root, "/proc/self/root"},
    {"etc_shadow", open_for_reading, "/etc/shadow"},
    {"etc_passwd", read_host_accounts, NULL},
    {"machine_id", open_for_reading, "/etc/machine-id"},
    {"root_folder", list_folder, "/root"},
    {"var_log", list_folder, "/var/log"},
    {"run_folder", list_folder, "/run"},
    {"boot_folder", list_folder, "/boot"},
    {"write_app", make_file_in_app, NULL},
    {"write_app_file", open_app_file_to_write, NULL},
    {"chmod_app_file", chmod_app_file, NULL},
    {"rename_app_file", rename_app_file, NULL},
    {"write_root", make_file, "/"},
    {"write_usr", make_file, "/usr/lib"},
    {"write_etc", make_file, "/etc"},
    {"write_dev", make_file, "/dev"},
    {"write_run", make_file, "/run"},
    {"hard_link_file", hard_link, "plain"},
    {"hard_link_set_id", hard_link, "set_id"},
    {"set_id_file", make_set_id_file, NULL},
    {"execute_tmp", execute_from, NULL},
    {"execute_shm", execute_from, "/dev/shm"},
    {"execute_memfd", execute_memfd, NULL},
    {"name_to_handle", name_handle, NULL},
    {"open_by_handle", open_by_handle, NULL},
    {"inotify_host", watch, "world_readable_file"},
    {"inotify_app", watch, "app"},
    {"fanotify", watch_file_system, NULL},
};

const struct attempt_group FILES = GROUP("Files", ATTEMPTS);
