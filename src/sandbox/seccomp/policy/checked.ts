import type { CallGroup } from "./call_group.ts";
import { INET_PROTOCOLS, IOCTLS, NAMESPACES, PRCTL_OPTIONS, SOCKET_TYPE_MASK } from "./values.ts";

/** Calls that workers may make with some arguments, and not with others. */
export const CHECKED: readonly CallGroup[] = [
  {
    name: "sockets",
    reason:
      "Apps need unix sockets, TCP, UDP and the list of network interfaces (netlink's route family). " +
      "Every other family and protocol is code of the kernel that strangers should not reach, loads " +
      "modules on demand, or goes around rules for TCP as MPTCP does. Programs take the error for a " +
      "kernel without the family and do without.",
    verdict: {
      kind: "check",
      errno: "EAFNOSUPPORT",
      cases: [
        [
          { argument: "domain", index: 0, oneOf: { AF_UNIX: 1 } },
          {
            argument: "type",
            index: 1,
            mask: SOCKET_TYPE_MASK,
            oneOf: { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_SEQPACKET: 5 },
          },
        ],
        [
          { argument: "domain", index: 0, oneOf: { AF_INET: 2, AF_INET6: 10 } },
          {
            argument: "type",
            index: 1,
            mask: SOCKET_TYPE_MASK,
            oneOf: { SOCK_STREAM: 1, SOCK_DGRAM: 2 },
          },
          { argument: "protocol", index: 2, oneOf: INET_PROTOCOLS },
        ],
        [
          { argument: "domain", index: 0, oneOf: { AF_NETLINK: 16 } },
          {
            argument: "type",
            index: 1,
            mask: SOCKET_TYPE_MASK,
            oneOf: { SOCK_DGRAM: 2, SOCK_RAW: 3 },
          },
          { argument: "protocol", index: 2, oneOf: { NETLINK_ROUTE: 0 } },
        ],
      ],
    },
    calls: ["socket"],
  },
  {
    name: "pairs of sockets",
    reason:
      "Pairs of unix sockets connect a program with its children. For other families the kernel " +
      "makes the sockets before it finds that there are no pairs of them.",
    verdict: {
      kind: "check",
      errno: "EAFNOSUPPORT",
      cases: [[
        { argument: "domain", index: 0, oneOf: { AF_UNIX: 1 } },
        {
          argument: "type",
          index: 1,
          mask: SOCKET_TYPE_MASK,
          oneOf: { SOCK_STREAM: 1, SOCK_DGRAM: 2, SOCK_SEQPACKET: 5 },
        },
      ]],
    },
    calls: ["socketpair"],
  },
  {
    name: "socket options",
    reason:
      "Options are harmless but for TCP_ULP, which puts another protocol (TLS in the kernel, SMC) " +
      "on top of a connection: code with a history of holes, which libraries do without.",
    verdict: {
      kind: "check",
      errno: "ENOPROTOOPT",
      cases: [
        [{ argument: "level", index: 1, noneOf: { IPPROTO_TCP: 6 } }],
        [{ argument: "optname", index: 2, noneOf: { TCP_ULP: 31 } }],
      ],
    },
    calls: ["setsockopt"],
  },
  {
    name: "sending",
    reason:
      "MSG_FASTOPEN connects without connect(2), around rules for connections such as those of " +
      "Landlock. Programs take the error for a system that has it turned off.",
    verdict: {
      kind: "check",
      errno: "EOPNOTSUPP",
      cases: [[{ argument: "flags", index: 3, without: { MSG_FASTOPEN: 0x2000_0000 } }]],
    },
    calls: ["sendto", "sendmmsg"],
  },
  {
    name: "sending a message",
    reason: "As for sendto: no MSG_FASTOPEN, which connects without connect(2).",
    verdict: {
      kind: "check",
      errno: "EOPNOTSUPP",
      cases: [[{ argument: "flags", index: 2, without: { MSG_FASTOPEN: 0x2000_0000 } }]],
    },
    calls: ["sendmsg"],
  },
  {
    name: "clone",
    reason:
      "Threads and children are made by it. A namespace of one's own would give capabilities inside " +
      "it, and with them most of the kernel to attack.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{ argument: "flags", index: 0, without: NAMESPACES }]],
    },
    calls: ["clone"],
  },
  {
    name: "ioctl",
    reason:
      "Descriptors of every kind need it. TIOCSTI and TIOCLINUX put input into a terminal that " +
      "others may read from; TIOCSETD gives a terminal one of the kernel's line disciplines, old " +
      "code for modems that is loaded on demand.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{ argument: "op", index: 1, noneOf: IOCTLS }]],
    },
    calls: ["ioctl"],
  },
  {
    name: "prctl",
    reason:
      "Options that name, tie or restrict the process itself are needed. Not: PR_SET_MM, with " +
      "which a process lies about its program and arguments in /proc; PR_SET_SPECULATION_CTRL and " +
      "PR_SET_TSC, since no app has to weigh the processor's mitigations; PR_SET_PTRACER, as " +
      "nobody may trace; PR_SCHED_CORE, PR_MCE_KILL, perf events, system call dispatch and every " +
      "option that is not known.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{ argument: "op", index: 0, oneOf: PRCTL_OPTIONS }]],
    },
    calls: ["prctl"],
  },
  {
    name: "filters of a program's own",
    reason:
      "A further filter can only take calls away, because the kernel obeys the strictest one; " +
      "file(1), man(1) and browsers protect themselves with it. A listener, which answers calls in " +
      "the kernel's place, is for container managers.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{
        argument: "flags",
        index: 1,
        without: { SECCOMP_FILTER_FLAG_NEW_LISTENER: 8 },
      }]],
    },
    calls: ["seccomp"],
  },
  {
    name: "personality",
    reason:
      "Programs ask for it, and set the usual one. Others switch off the random placement of memory " +
      "or make all of it executable.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{ argument: "persona", index: 0, oneOf: { PER_LINUX: 0, query: 0xffff_ffff } }]],
    },
    calls: ["personality"],
  },
  {
    name: "named pipes",
    reason: "mkfifo(3) makes them so. Devices are nothing that an app makes.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{
        argument: "mode",
        index: 1,
        mask: 0xf000,
        oneOf: { none: 0, S_IFIFO: 0x1000, S_IFREG: 0x8000, S_IFSOCK: 0xc000 },
      }]],
    },
    calls: ["mknod"],
  },
  {
    name: "named pipes in a folder",
    reason: "As for mknod: pipes, files and sockets, and no devices.",
    verdict: {
      kind: "check",
      errno: "EPERM",
      cases: [[{
        argument: "mode",
        index: 2,
        mask: 0xf000,
        oneOf: { none: 0, S_IFIFO: 0x1000, S_IFREG: 0x8000, S_IFSOCK: 0xc000 },
      }]],
    },
    calls: ["mknodat"],
  },
];
