/**
 * Values of arguments that the policy speaks of, by the names of the kernel's headers.
 *
 * @module
 */
import type { NamedValues } from "./call_group.ts";

/** The bits of socket(2)'s type that are no flags: SOCK_TYPE_MASK of linux/net.h in the kernel. */
export const SOCKET_TYPE_MASK = 0xf;

/** What a TCP or UDP socket is asked for with, linux/in.h; 0 is the usual one of the type. */
export const INET_PROTOCOLS: NamedValues = { IPPROTO_IP: 0, IPPROTO_TCP: 6, IPPROTO_UDP: 17 };

/**
 * The flags of clone(2) that make namespaces, linux/sched.h. CLONE_NEWTIME is none of them: its bit
 * belongs to the exit signal there.
 */
export const NAMESPACES: NamedValues = {
  CLONE_NEWNS: 0x0002_0000,
  CLONE_NEWCGROUP: 0x0200_0000,
  CLONE_NEWUTS: 0x0400_0000,
  CLONE_NEWIPC: 0x0800_0000,
  CLONE_NEWUSER: 0x1000_0000,
  CLONE_NEWPID: 0x2000_0000,
  CLONE_NEWNET: 0x4000_0000,
};

/** Operations on terminals that are refused, asm-generic/ioctls.h. */
export const IOCTLS: NamedValues = { TIOCSTI: 0x5412, TIOCLINUX: 0x541c, TIOCSETD: 0x5423 };

/** Options of prctl(2) that are allowed, linux/prctl.h. */
export const PRCTL_OPTIONS: NamedValues = {
  PR_SET_PDEATHSIG: 1,
  PR_GET_PDEATHSIG: 2,
  PR_GET_DUMPABLE: 3,
  PR_SET_DUMPABLE: 4,
  PR_GET_KEEPCAPS: 7,
  PR_SET_NAME: 15,
  PR_GET_NAME: 16,
  PR_GET_SECCOMP: 21,
  PR_SET_SECCOMP: 22,
  PR_CAPBSET_READ: 23,
  PR_GET_SECUREBITS: 27,
  PR_SET_TIMERSLACK: 29,
  PR_GET_TIMERSLACK: 30,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_GET_CHILD_SUBREAPER: 37,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_GET_NO_NEW_PRIVS: 39,
  PR_GET_TID_ADDRESS: 40,
  PR_SET_THP_DISABLE: 41,
  PR_GET_THP_DISABLE: 42,
  PR_CAP_AMBIENT: 47,
  PR_SVE_SET_VL: 50,
  PR_SVE_GET_VL: 51,
  PR_SET_TAGGED_ADDR_CTRL: 55,
  PR_GET_TAGGED_ADDR_CTRL: 56,
  PR_SET_VMA: 0x5356_4d41,
};
