/* Memory, queues and keys that the kernel keeps by name or number, and not by file. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <mqueue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

static void attach(long id) {
  char *memory = shmat(id, NULL, SHM_RDONLY);
  if (memory == (void *)-1) refused("shmat");
  if (strcmp(memory, target("secret")) == 0) worked("shared memory of the host");
  held("other shared memory");
}

static void shm_by_id(const char *of) {
  attach(target_number(path_of("%s_shm_id", of)));
}

static void shm_by_key(const char *of) {
  int id = shmget(target_number(path_of("%s_ipc_key", of)), 0, 0);
  if (id == -1) refused("shmget");
  attach(id);
}

static void queue_by_key(const char *of) {
  settle(msgget(target_number(path_of("%s_ipc_key", of)), 0), "msgget");
}

static void semaphore_by_key(const char *of) {
  settle(semget(target_number(path_of("%s_ipc_key", of)), 0, 0), "semget");
}

/** What the kernel lists is what this IPC namespace has. */
static void list_shm(const char *argument) {
  (void)argument;
  char text[65536];
  long length = read_file("/proc/sysvipc/shm", text, sizeof text);
  if (length == -1) refused("read /proc/sysvipc/shm");
  char id[32];
  snprintf(id, sizeof id, " %ld ", target_number("server_shm_id"));
  if (strstr(text, id) != NULL) worked("it lists the host's");
  held("it does not list the host's");
}

static void posix_queue(const char *of) {
  settle(mq_open(target(path_of("%s_queue", of)), O_RDONLY), "mq_open");
}

static void make_posix_queue(const char *argument) {
  (void)argument;
  mqd_t queue = mq_open("/escape-probe", O_CREAT | O_RDWR, 0600, NULL);
  if (queue != -1) mq_unlink("/escape-probe");
  settle(queue, "make a message queue");
}

static long keyctl(int command, long a, long b, long c) {
  return syscall(SYS_keyctl, command, a, b, c, 0);
}

static void read_key(const char *of) {
  char value[128];
  settle(keyctl(KEYCTL_READ, target_number(of), (long)value, sizeof value), "read the key");
}

static void describe_key(const char *of) {
  char value[128];
  settle(keyctl(KEYCTL_DESCRIBE, target_number(of), (long)value, sizeof value),
         "describe the server's key");
}

static void search_keyring(const char *keyring) {
  long id = syscall(SYS_keyctl, KEYCTL_SEARCH, (long)atoi(keyring), "user", target("key_name"), 0);
  settle(id, "find the server's key");
}

/** Without a program to ask it looks through the keyrings of the process only. */
static void request_key(const char *argument) {
  (void)argument;
  settle(syscall(SYS_request_key, "user", target("key_name"), NULL, 0), "request_key");
}

static void add_key(const char *keyring) {
  long ring = atoi(keyring);
  long id = syscall(SYS_add_key, "user", "escape-probe", "x", 1, ring);
  if (id == -1) refused("add_key");
  settle(keyctl(KEYCTL_UNLINK, id, ring, 0), "add a key, and take it away");
}

/** By its name, from a session of its own, since one is not joined twice. */
static void join_session(const char *argument) {
  (void)argument;
  if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0) == -1) refused("leave the session keyring");
  long keyring = keyctl(KEYCTL_JOIN_SESSION_KEYRING, (long)target("keyring_name"), 0, 0);
  if (keyring == -1) refused("join a session keyring");
  long id = syscall(SYS_keyctl, KEYCTL_SEARCH, keyring, "user", target("key_name"), 0);
  settle(id, "find the server's key in it");
}

static void list_keys(const char *argument) {
  (void)argument;
  static char text[1 << 18];
  long length = read_file("/proc/keys", text, sizeof text);
  if (length == -1) refused("read /proc/keys");
  if (holds(text, length, target("key_name"))) worked("it lists the server's key");
  held("it does not list the server's key");
}

static const struct attempt ATTEMPTS[] = {
    {"shm_id_server", shm_by_id, "server"},
    {"shm_key_server", shm_by_key, "server"},
    {"msg_key_server", queue_by_key, "server"},
    {"sem_key_server", semaphore_by_key, "server"},
    {"shm_key_neighbour", shm_by_key, "neighbour"},
    {"msg_key_neighbour", queue_by_key, "neighbour"},
    {"shm_list", list_shm, NULL},
    {"mq_server", posix_queue, "server"},
    {"mq_make", make_posix_queue, NULL},
    {"key_read", read_key, "key_id"},
    {"key_describe", describe_key, "key_id"},
    {"key_search_session", search_keyring, "-3"},
    {"key_search_user", search_keyring, "-4"},
    {"key_request", request_key, NULL},
    {"key_join_session", join_session, NULL},
    {"key_add_user", add_key, "-4"},
    {"key_add_session", add_key, "-3"},
    {"key_list", list_keys, NULL},
};

const struct attempt_group IPC = GROUP("IPC and keys", ATTEMPTS);
