/* Socket families that no app has a use for, and netlink, by which the kernel is asked and told. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe.h"

/** `FAMILY TYPE PROTOCOL`, as socket(2) has them. */
static void open_family(const char *numbers) {
  int family, type, protocol;
  if (sscanf(numbers, "%d %d %d", &family, &type, &protocol) != 3) broken("%s", numbers);
  settle(socket(family, type | SOCK_CLOEXEC, protocol), "socket");
}

#define TEXT_(value) #value
#define TEXT(value) TEXT_(value)
#define FAMILY(family, type, protocol) TEXT(family) " " TEXT(type) " " TEXT(protocol)

/* <sys/socket.h> has enumerators, which the preprocessor cannot turn into text. */
#define STREAM 1
#define DGRAM 2
#define RAW 3
#define SEQPACKET 5

/** Sends one request and gives the first message of the answer. */
static int ask_kernel(int protocol, const void *request, size_t length, struct nlmsghdr *answer) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd == -1) refused("socket");
  if (send(fd, request, length, 0) == -1) refused("send");
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  if (poll(&ready, 1, 2000) != 1) held("no answer");
  ssize_t got = recv(fd, answer, 8192, 0);
  if (got == -1) refused("receive");
  if (answer->nlmsg_type != NLMSG_ERROR) return got;
  errno = -((struct nlmsgerr *)NLMSG_DATA(answer))->error;
  if (errno != 0) refused("the kernel answers");
  return got;
}

static union {
  struct nlmsghdr header;
  char bytes[8192];
} answer;

static void list_sockets(const char *argument) {
  (void)argument;
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request = {
      .header = {sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
      .body = {.sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = -1},
  };
  ask_kernel(NETLINK_SOCK_DIAG, &request, sizeof request, &answer.header);
  if (answer.header.nlmsg_type == NLMSG_DONE) held("there is no socket");
  worked("the kernel lists sockets");
}

static void list_addresses(const char *argument) {
  (void)argument;
  struct {
    struct nlmsghdr header;
    struct rtgenmsg body;
  } request = {.header = {sizeof request, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}};
  int length = ask_kernel(NETLINK_ROUTE, &request, sizeof request, &answer.header);
  worked("%d bytes about addresses", length);
}

/** Nothing would change: loopback is up. */
static void change_link(const char *argument) {
  (void)argument;
  struct {
    struct nlmsghdr header;
    struct ifinfomsg body;
  } request = {
      .header = {sizeof request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0},
      .body = {.ifi_index = 1, .ifi_flags = 1, .ifi_change = 1},
  };
  ask_kernel(NETLINK_ROUTE, &request, sizeof request, &answer.header);
  worked("the kernel took a change of loopback");
}

static const struct attempt ATTEMPTS[] = {
    {"packet", open_family, FAMILY(AF_PACKET, RAW, 0)},
    {"packet_datagram", open_family, FAMILY(AF_PACKET, DGRAM, 0)},
    {"alg", open_family, FAMILY(AF_ALG, SEQPACKET, 0)},
    {"vsock", open_family, FAMILY(AF_VSOCK, DGRAM, 0)},
    {"vsock_stream", open_family, FAMILY(AF_VSOCK, STREAM, 0)},
    {"key", open_family, FAMILY(AF_KEY, RAW, 2)},
    {"xdp", open_family, FAMILY(AF_XDP, RAW, 0)},
    {"can", open_family, FAMILY(AF_CAN, RAW, 1)},
    {"bluetooth", open_family, FAMILY(AF_BLUETOOTH, RAW, 1)},
    {"tipc", open_family, FAMILY(AF_TIPC, SEQPACKET, 0)},
    {"smc", open_family, FAMILY(AF_SMC, STREAM, 0)},
    {"qipcrtr", open_family, FAMILY(AF_QIPCRTR, DGRAM, 0)},
    {"kcm", open_family, FAMILY(AF_KCM, DGRAM, 0)},
    {"rds", open_family, FAMILY(AF_RDS, SEQPACKET, 0)},
    {"pppox", open_family, FAMILY(AF_PPPOX, DGRAM, 0)},
    {"netlink_addresses", list_addresses, NULL},
    {"netlink_change", change_link, NULL},
    {"netlink_sock_diag", list_sockets, NULL},
    {"netlink_netfilter", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_NETFILTER)},
    {"netlink_generic", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_GENERIC)},
    {"netlink_uevent", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_KOBJECT_UEVENT)},
    {"netlink_audit", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_AUDIT)},
    {"netlink_xfrm", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_XFRM)},
    {"netlink_connector", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_CONNECTOR)},
    {"netlink_crypto", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_CRYPTO)},
    {"netlink_selinux", open_family, FAMILY(AF_NETLINK, RAW, NETLINK_SELINUX)},
};

const struct attempt_group FAMILIES = GROUP("Socket families", ATTEMPTS);
