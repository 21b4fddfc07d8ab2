/*
 * Stands for those who are to be reached by nobody: it listens on TCP and UDP, answers whoever
 * comes with its name, and may have unix sockets, SysV objects, a message queue and files as well.
 * It prints lines of `NAME=VALUE` that say what it has, then `ready`, and goes on until SIGTERM.
 *
 *     victim NAME [ADDRESS PORT]... [-- KEY FOLDER SECRET]
 *
 * A port of 0 is one that is free, the same for all addresses.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_FDS 128

static const char *name;
static struct pollfd fds[MAX_FDS];
static void (*handlers[MAX_FDS])(int index);
static int fd_count;
static volatile sig_atomic_t is_over;

/* What is to be removed at the end. */
static int shm_id = -1, msg_id = -1, sem_id = -1;
static char queue_name[64], file_path[256], shm_path[256], socket_path[108];

static void end(int signal) {
  (void)signal;
  is_over = 1;
}

static int must(int result, const char *what) {
  if (result == -1) {
    perror(what);
    exit(1);
  }
  return result;
}

static void watch(int fd, void (*handler)(int)) {
  if (fd_count == MAX_FDS) exit(1);
  fds[fd_count] = (struct pollfd){.fd = fd, .events = POLLIN};
  handlers[fd_count++] = handler;
}

static void forget(int index) {
  close(fds[index].fd);
  fds[index] = fds[--fd_count];
  handlers[index] = handlers[fd_count];
}

/** A socket that is closed with data unread takes back what was sent. */
static void drain(int index) {
  char bytes[512];
  if (recv(fds[index].fd, bytes, sizeof bytes, MSG_DONTWAIT) <= 0) forget(index);
}

static void answer_connection(int index) {
  char text[128];
  int fd = accept4(fds[index].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd == -1) return;
  int length = snprintf(text, sizeof text, "HTTP/1.0 200 OK\r\n\r\n%s\n", name);
  send(fd, text, length, MSG_NOSIGNAL);
  shutdown(fd, SHUT_WR);
  watch(fd, drain);
}

static void answer_datagram(int index) {
  char bytes[16];
  struct sockaddr_storage from;
  socklen_t size = sizeof from;
  struct sockaddr *peer = (struct sockaddr *)&from;
  int fd = fds[index].fd;
  if (recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, peer, &size) <= 0) return;
  sendto(fd, name, strlen(name), MSG_DONTWAIT, peer, size);
}

static socklen_t parse_address(const char *text, struct sockaddr_storage *address) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
  memset(address, 0, sizeof *address);
  address->ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
  if (address->ss_family == AF_INET6) {
    must(inet_pton(AF_INET6, text, &v6->sin6_addr) == 1 ? 0 : -1, text);
    return sizeof *v6;
  }
  must(inet_pton(AF_INET, text, &v4->sin_addr) == 1 ? 0 : -1, text);
  return sizeof *v4;
}

/** Both families have the port at the same place. */
static in_port_t *port_of(struct sockaddr_storage *address) {
  return &((struct sockaddr_in *)address)->sin_port;
}

/** Gives the port that it got, in the order of the network. */
static in_port_t listen_at(struct sockaddr_storage address, socklen_t size, int type) {
  int one = 1, fd = must(socket(address.ss_family, type | SOCK_CLOEXEC, 0), "socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  must(bind(fd, (struct sockaddr *)&address, size), "bind");
  if (type == SOCK_STREAM) must(listen(fd, 64), "listen");
  watch(fd, type == SOCK_STREAM ? answer_connection : answer_datagram);
  must(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
  return *port_of(&address);
}

static void listen_on_network(const char *host, const char *wanted, in_port_t *free_port) {
  struct sockaddr_storage address;
  socklen_t size = parse_address(host, &address);
  int is_any = strcmp(wanted, "0") == 0;
  *port_of(&address) = is_any ? *free_port : htons(atoi(wanted));
  in_port_t port = listen_at(address, size, SOCK_STREAM);
  if (is_any) *free_port = port;
  *port_of(&address) = port;
  listen_at(address, size, SOCK_DGRAM);
  printf("%s_port=%d\n", name, ntohs(port));
}

static void listen_unix(const char *path, int type, int is_abstract) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = must(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket");
  size_t length = strlen(path);
  if (length + 2 > sizeof address.sun_path) exit(1);
  memcpy(address.sun_path + is_abstract, path, length);
  must(bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length + 1),
       path);
  if (type == SOCK_STREAM) must(listen(fd, 64), "listen");
  watch(fd, type == SOCK_STREAM ? answer_connection : answer_datagram);
}

static void make_unix_sockets(const char *key, const char *folder) {
  char text[64];
  snprintf(text, sizeof text, "escape-%s-%s-stream", name, key);
  listen_unix(text, SOCK_STREAM, 1);
  printf("%s_abstract_stream=%s\n", name, text);
  snprintf(text, sizeof text, "escape-%s-%s-datagram", name, key);
  listen_unix(text, SOCK_DGRAM, 1);
  printf("%s_abstract_datagram=%s\n", name, text);
  snprintf(socket_path, sizeof socket_path, "%s/%s-%s.sock", folder, name, key);
  listen_unix(socket_path, SOCK_STREAM, 0);
  printf("%s_socket=%s\n", name, socket_path);
}

static void make_sysv_objects(key_t key, const char *secret) {
  shm_id = must(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0666), "shmget");
  msg_id = must(msgget(key, IPC_CREAT | IPC_EXCL | 0666), "msgget");
  sem_id = must(semget(key, 1, IPC_CREAT | IPC_EXCL | 0666), "semget");
  char *memory = shmat(shm_id, NULL, 0);
  if (memory == (void *)-1) exit(1);
  strcpy(memory, secret);
  printf("%s_ipc_key=%d\n%s_shm_id=%d\n", name, key, name, shm_id);
}

/** Where the limits let it. */
static void make_queue(const char *key) {
  snprintf(queue_name, sizeof queue_name, "/escape-%s-%s", name, key);
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 64};
  if (mq_open(queue_name, O_CREAT | O_RDWR, 0666, &attributes) == -1) return;
  printf("%s_queue=%s\n", name, queue_name);
}

static void write_file(char *path, size_t size, const char *key, const char *folder) {
  snprintf(path, size, "%s/%s-%s.txt", folder, name, key);
}

static void make_files(const char *key, const char *folder, const char *secret) {
  write_file(file_path, sizeof file_path, key, folder);
  write_file(shm_path, sizeof shm_path, key, "/dev/shm");
  const char *const paths[] = {file_path, shm_path};
  for (int i = 0; i < 2; i++) {
    int fd = must(open(paths[i], O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0644), paths[i]);
    must(dprintf(fd, "%s\n", secret), paths[i]);
    close(fd);
  }
  printf("%s_tmp_file=%s\n%s_shm_file=%s\n", name, file_path, name, shm_path);
}

static void clean_up(void) {
  if (shm_id != -1) shmctl(shm_id, IPC_RMID, NULL);
  if (msg_id != -1) msgctl(msg_id, IPC_RMID, NULL);
  if (sem_id != -1) semctl(sem_id, 0, IPC_RMID);
  if (queue_name[0] != '\0') mq_unlink(queue_name);
  if (socket_path[0] != '\0') unlink(socket_path);
  if (file_path[0] != '\0') unlink(file_path);
  if (shm_path[0] != '\0') unlink(shm_path);
}

static void serve(void) {
  while (!is_over) {
    if (poll(fds, fd_count, -1) == -1) continue;
    for (int i = fd_count - 1; i >= 0; i--) {
      if (fds[i].revents != 0) handlers[i](i);
    }
  }
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  name = argv[1];
  in_port_t free_port = 0;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
  atexit(clean_up);
  int i = 2;
  for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
    listen_on_network(argv[i], argv[i + 1], &free_port);
  }
  if (i + 3 < argc) {
    make_unix_sockets(argv[i + 1], argv[i + 2]);
    make_files(argv[i + 1], argv[i + 2], argv[i + 3]);
    make_sysv_objects(atoi(argv[i + 1]), argv[i + 3]);
    make_queue(argv[i + 1]);
  }
  puts("ready");
  fflush(stdout);
  serve();
  return 0;
}
