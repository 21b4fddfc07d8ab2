/* Unix sockets of the host and of other workers, by path and by abstract name. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "probe.h"

struct unix_end {
  struct sockaddr_un address;
  socklen_t length;
};

/** An abstract name begins with NUL and ends with the address; unix(7). */
static struct unix_end unix_end_of(const char *name, int is_abstract) {
  struct unix_end end = {.address = {.sun_family = AF_UNIX}};
  size_t length = strlen(name);
  if (length + 2 > sizeof end.address.sun_path) broken("%s is too long", name);
  memcpy(end.address.sun_path + is_abstract, name, length);
  end.length = offsetof(struct sockaddr_un, sun_path) + length + 1;
  return end;
}

static _Noreturn void connect_and_settle(const char *name, int type, int is_abstract) {
  struct unix_end end = unix_end_of(name, is_abstract);
  int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (fd == -1) refused("socket");
  if (connect(fd, (struct sockaddr *)&end.address, end.length) == -1) refused("%s", name);
  settle(send(fd, "x", 1, 0), name);
}

static void abstract_stream(const char *of) {
  connect_and_settle(target(path_of("%s_abstract_stream", of)), SOCK_STREAM, 1);
}

static void abstract_datagram(const char *of) {
  connect_and_settle(target(path_of("%s_abstract_datagram", of)), SOCK_DGRAM, 1);
}

/** Without a connection, which is checked in another place of the kernel. */
static void abstract_unconnected(const char *of) {
  const char *name = target(path_of("%s_abstract_datagram", of));
  struct unix_end end = unix_end_of(name, 1);
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd == -1) refused("socket");
  settle(sendto(fd, "x", 1, 0, (struct sockaddr *)&end.address, end.length), name);
}

static void path_stream(const char *of) {
  connect_and_settle(target(path_of("%s_socket", of)), SOCK_STREAM, 0);
}

static void fixed_path(const char *path) {
  connect_and_settle(path, SOCK_STREAM, 0);
}

static void forge_credentials(const char *argument) {
  (void)argument;
  int ends[2];
  char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
  struct iovec data = {"x", 1};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control};
  message.msg_controllen = sizeof control;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  struct ucred root = {.pid = 1, .uid = 0, .gid = 0};
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_CREDENTIALS;
  header->cmsg_len = CMSG_LEN(sizeof root);
  memcpy(CMSG_DATA(header), &root, sizeof root);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == -1) broken("cannot make sockets");
  settle(sendmsg(ends[0], &message, 0), "send credentials of root");
}

static void find_names(const char *argument) {
  (void)argument;
  static char text[1 << 20];
  long length = read_file("/proc/net/unix", text, sizeof text);
  if (length == -1) refused("read /proc/net/unix");
  const char *name = target("server_abstract_stream");
  if (holds(text, length, name)) worked("/proc/net/unix shows %s", name);
  held("/proc/net/unix shows nothing of the server");
}

static const struct attempt ATTEMPTS[] = {
    {"abstract_stream_server", abstract_stream, "server"},
    {"abstract_datagram_server", abstract_datagram, "server"},
    {"abstract_unconnected_server", abstract_unconnected, "server"},
    {"abstract_stream_neighbour", abstract_stream, "neighbour"},
    {"abstract_datagram_neighbour", abstract_datagram, "neighbour"},
    {"path_socket_server", path_stream, "server"},
    {"path_socket_neighbour", path_stream, "neighbour"},
    {"journal_socket", fixed_path, "/run/systemd/journal/stdout"},
    {"dbus_socket", fixed_path, "/run/dbus/system_bus_socket"},
    {"docker_socket", fixed_path, "/run/docker.sock"},
    {"forged_credentials", forge_credentials, NULL},
    {"proc_net_unix", find_names, NULL},
};

const struct attempt_group UNIX_SOCKETS = GROUP("Unix sockets", ATTEMPTS);
