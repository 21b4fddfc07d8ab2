/* TCP and UDP to others, by every way that the kernel has for it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

/* Not in the headers of older C libraries. */
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/** How long an answer is waited for, in milliseconds; it comes from this machine. */
#define ANSWER_MS 2000

struct endpoint {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } address;
  socklen_t length;
  const char *text;
};

/** The port is a number, or whose it is: `ADDRESS PORT`. */
static struct endpoint endpoint_of(const char *text) {
  struct endpoint end = {.text = text};
  const char *space = strchr(text, ' ');
  char *host = strndup(text, space - text);
  long number = atol(space + 1);
  in_port_t port = htons(number > 0 ? number : target_number(path_of("%s_port", space + 1)));
  if (inet_pton(AF_INET, host, &end.address.v4.sin_addr) == 1) {
    end.address.v4.sin_family = AF_INET;
    end.address.v4.sin_port = port;
    end.length = sizeof end.address.v4;
  } else if (inet_pton(AF_INET6, host, &end.address.v6.sin6_addr) == 1) {
    end.address.v6.sin6_family = AF_INET6;
    end.address.v6.sin6_port = port;
    end.length = sizeof end.address.v6;
  } else {
    broken("%s is no address", host);
  }
  return end;
}

static int open_socket(const struct endpoint *end, int type, int protocol) {
  int fd = socket(end->address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (fd == -1) refused("socket");
  return fd;
}

static int is_ready(int fd, short events) {
  struct pollfd ready = {.fd = fd, .events = events};
  return poll(&ready, 1, ANSWER_MS) == 1;
}

/** Who listens says something first, so that a bare connection is not all the evidence. */
static _Noreturn void settle_answer(int fd, const struct endpoint *end) {
  char text[64] = "";
  if (!is_ready(fd, POLLIN)) held("%s: no answer", end->text);
  ssize_t length = recv(fd, text, sizeof text - 1, 0);
  if (length == -1) refused("%s", end->text);
  if (length == 0) held("%s: closed without an answer", end->text);
  worked("%s answers: %s", end->text, text);
}

static void must_be_connected(int fd, const struct endpoint *end) {
  int error = 0;
  socklen_t size = sizeof error;
  if (!is_ready(fd, POLLOUT)) held("%s: no answer", end->text);
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1) broken("SO_ERROR");
  errno = error;
  if (error != 0) refused("%s", end->text);
}

static _Noreturn void connect_and_settle(int fd, const struct endpoint *end) {
  if (connect(fd, &end->address.any, end->length) == -1 && errno != EINPROGRESS) {
    refused("%s", end->text);
  }
  must_be_connected(fd, end);
  settle_answer(fd, end);
}

static void tcp(const char *to) {
  struct endpoint end = endpoint_of(to);
  connect_and_settle(open_socket(&end, SOCK_STREAM, IPPROTO_TCP), &end);
}

static void mptcp(const char *to) {
  struct endpoint end = endpoint_of(to);
  connect_and_settle(open_socket(&end, SOCK_STREAM, IPPROTO_MPTCP), &end);
}

/** Connects without connect(2). */
static void fast_open(const char *to) {
  struct endpoint end = endpoint_of(to);
  int fd = open_socket(&end, SOCK_STREAM, IPPROTO_TCP);
  long sent = sendto(fd, "x", 1, MSG_FASTOPEN, &end.address.any, end.length);
  if (sent == -1 && errno != EINPROGRESS) refused("%s", to);
  must_be_connected(fd, &end);
  settle_answer(fd, &end);
}

static void fast_open_sendmsg(const char *to) {
  struct endpoint end = endpoint_of(to);
  struct iovec data = {"x", 1};
  struct msghdr message = {.msg_name = &end.address, .msg_namelen = end.length, .msg_iov = &data};
  message.msg_iovlen = 1;
  int fd = open_socket(&end, SOCK_STREAM, IPPROTO_TCP);
  if (sendmsg(fd, &message, MSG_FASTOPEN) == -1 && errno != EINPROGRESS) refused("%s", to);
  must_be_connected(fd, &end);
  settle_answer(fd, &end);
}

/** The connection is made by the first write. */
static void fast_open_connect(const char *to) {
  struct endpoint end = endpoint_of(to);
  int one = 1, fd = open_socket(&end, SOCK_STREAM, IPPROTO_TCP);
  if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof one) == -1) {
    refused("TCP_FASTOPEN_CONNECT");
  }
  if (connect(fd, &end.address.any, end.length) == -1 && errno != EINPROGRESS) refused("%s", to);
  if (send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno != EINPROGRESS) refused("%s", to);
  must_be_connected(fd, &end);
  settle_answer(fd, &end);
}

static _Noreturn void ask_and_settle(int fd, const struct endpoint *end) {
  if (connect(fd, &end->address.any, end->length) == -1) refused("%s", end->text);
  if (send(fd, "x", 1, 0) == -1) refused("%s", end->text);
  settle_answer(fd, end);
}

static void udp(const char *to) {
  struct endpoint end = endpoint_of(to);
  ask_and_settle(open_socket(&end, SOCK_DGRAM, IPPROTO_UDP), &end);
}

/** Nobody listens, but rules for UDP would not hold for it. */
static void udplite(const char *to) {
  struct endpoint end = endpoint_of(to);
  settle(open_socket(&end, SOCK_DGRAM, IPPROTO_UDPLITE), "a socket for UDP-Lite");
}

static void udp_unconnected(const char *to) {
  struct endpoint end = endpoint_of(to);
  int fd = open_socket(&end, SOCK_DGRAM, IPPROTO_UDP);
  if (sendto(fd, "x", 1, 0, &end.address.any, end.length) == -1) refused("%s", to);
  settle_answer(fd, &end);
}

/** Whoever is not there cannot answer, but the socket alone is one to avoid. */
static void sctp(const char *to) {
  struct endpoint end = endpoint_of(to);
  connect_and_settle(open_socket(&end, SOCK_STREAM, IPPROTO_SCTP), &end);
}

static void dccp(const char *to) {
  struct endpoint end = endpoint_of(to);
  connect_and_settle(open_socket(&end, SOCK_DCCP, IPPROTO_DCCP), &end);
}

static void raw(const char *to) {
  struct endpoint end = endpoint_of(to);
  settle(open_socket(&end, SOCK_RAW, IPPROTO_ICMP), "a raw socket");
}

static void ping(const char *to) {
  struct endpoint end = endpoint_of(to);
  settle(open_socket(&end, SOCK_DGRAM, IPPROTO_ICMP), "a socket for ICMP");
}

static int listener(const struct endpoint *end) {
  int one = 1, fd = open_socket(end, SOCK_STREAM, IPPROTO_TCP);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (bind(fd, &end->address.any, end->length) == -1) refused("bind %s", end->text);
  return fd;
}

/** Taking over the port of another would bring its visitors here. */
static void take_port(const char *at) {
  struct endpoint end = endpoint_of(at);
  settle(listen(listener(&end), 8), "listen");
}

static void listen_everywhere(const char *argument) {
  (void)argument;
  struct endpoint end = endpoint_of("0.0.0.0 1");
  end.address.v4.sin_port = 0;
  settle(listen(listener(&end), 8), "listen on every address");
}

static void set_option(int level, int option, const char *what) {
  struct endpoint end = endpoint_of("127.0.0.1 1");
  int one = 1, fd = open_socket(&end, SOCK_STREAM, IPPROTO_TCP);
  settle(setsockopt(fd, level, option, &one, sizeof one), what);
}

static void set_mark(const char *argument) {
  (void)argument;
  set_option(SOL_SOCKET, SO_MARK, "SO_MARK");
}

static void be_transparent(const char *argument) {
  (void)argument;
  set_option(IPPROTO_IP, IP_TRANSPARENT, "IP_TRANSPARENT");
}

/** The flags that it has anyway. */
static void change_interface(const char *argument) {
  (void)argument;
  struct endpoint end = endpoint_of("127.0.0.1 1");
  struct ifreq request = {.ifr_name = "lo"};
  int fd = open_socket(&end, SOCK_DGRAM, IPPROTO_UDP);
  if (ioctl(fd, SIOCGIFFLAGS, &request) == -1) refused("SIOCGIFFLAGS");
  settle(ioctl(fd, SIOCSIFFLAGS, &request), "SIOCSIFFLAGS");
}

/** The kernel writes ports in hexadecimal digits. */
static void find_socket(const char *path) {
  static char text[1 << 20];
  char port[16];
  long length = read_file(path, text, sizeof text);
  if (length == -1) refused("read %s", path);
  snprintf(port, sizeof port, ":%04lX ", target_number("server_port"));
  if (strstr(text, port) != NULL) worked("%s shows the server's socket", path);
  held("%s does not show the server's socket", path);
}

static const struct attempt ATTEMPTS[] = {
    {"tcp4_neighbour", tcp, "127.0.0.1 neighbour"},
    {"tcp6_neighbour", tcp, "::1 neighbour"},
    {"tcp_mapped_neighbour", tcp, "::ffff:127.0.0.1 neighbour"},
    {"tcp_any4_neighbour", tcp, "0.0.0.0 neighbour"},
    {"tcp_any6_neighbour", tcp, ":: neighbour"},
    {"tcp_fastopen_neighbour", fast_open, "127.0.0.1 neighbour"},
    {"tcp_fastopen_sendmsg_neighbour", fast_open_sendmsg, "127.0.0.1 neighbour"},
    {"tcp_fastopen_connect_neighbour", fast_open_connect, "127.0.0.1 neighbour"},
    {"tcp_fastopen6_neighbour", fast_open, "::1 neighbour"},
    {"mptcp4_neighbour", mptcp, "127.0.0.1 neighbour"},
    {"mptcp6_neighbour", mptcp, "::1 neighbour"},
    {"udp4_neighbour", udp, "127.0.0.1 neighbour"},
    {"udp6_neighbour", udp, "::1 neighbour"},
    {"udp_unconnected_neighbour", udp_unconnected, "127.0.0.1 neighbour"},
    {"tcp4_server", tcp, "127.0.0.1 server"},
    {"tcp4_server_alias", tcp, "127.8.9.10 server"},
    {"tcp6_server", tcp, "::1 server"},
    {"tcp_mapped_server", tcp, "::ffff:127.0.0.1 server"},
    {"tcp_any4_server", tcp, "0.0.0.0 server"},
    {"tcp_any6_server", tcp, ":: server"},
    {"tcp_fastopen_server", fast_open, "127.0.0.1 server"},
    {"mptcp_server", mptcp, "127.0.0.1 server"},
    {"udp4_server", udp, "127.0.0.1 server"},
    {"udp6_server", udp, "::1 server"},
    {"udplite_socket", udplite, "127.0.0.1 server"},
    {"tcp4_own_address", tcp, "192.0.2.1 server"},
    {"tcp6_own_address", tcp, "2001:db8::1 server"},
    {"udp4_own_address", udp, "192.0.2.1 server"},
    {"tcp4_metadata", tcp, "169.254.169.254 80"},
    {"tcp6_metadata", tcp, "fd00:ec2::254 80"},
    {"tcp_mapped_metadata", tcp, "::ffff:169.254.169.254 80"},
    {"tcp_fastopen_metadata", fast_open, "169.254.169.254 80"},
    {"mptcp_metadata", mptcp, "169.254.169.254 80"},
    {"udp4_metadata", udp, "169.254.169.254 80"},
    {"tcp4_redis", tcp, "203.0.113.81 6379"},
    {"tcp4_database", tcp, "203.0.113.82 5432"},
    {"tcp4_denied", tcp, "203.0.113.83 80"},
    {"udp4_denied", udp, "203.0.113.83 80"},
    {"mptcp_denied", mptcp, "203.0.113.83 80"},
    {"dns_stub", udp, "127.0.0.53 53"},
    {"tcp4_internet", tcp, "203.0.113.80 80"},
    {"tcp6_internet", tcp, "2001:db8:1::80 80"},
    {"udp4_internet", udp, "203.0.113.80 80"},
    {"sctp", sctp, "127.0.0.1 server"},
    {"dccp", dccp, "127.0.0.1 server"},
    {"raw4", raw, "127.0.0.1 server"},
    {"raw6", raw, "::1 server"},
    {"ping_socket", ping, "127.0.0.1 server"},
    {"take_neighbour_port", take_port, "127.0.0.1 neighbour"},
    {"take_server_port", take_port, "127.0.0.1 server"},
    {"take_server_port_everywhere", take_port, "0.0.0.0 server"},
    {"take_low_port", take_port, "127.0.0.1 443"},
    {"listen_everywhere", listen_everywhere, NULL},
    {"socket_mark", set_mark, NULL},
    {"transparent_socket", be_transparent, NULL},
    {"change_interface", change_interface, NULL},
    {"proc_net_tcp", find_socket, "/proc/net/tcp"},
    {"proc_net_udp", find_socket, "/proc/net/udp"},
};

const struct attempt_group IP = GROUP("IP", ATTEMPTS);
