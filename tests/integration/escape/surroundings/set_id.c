/* A program that may be set-id or have file capabilities, and says what it gained by that. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, data) == -1) return 1;
  int has_gained = geteuid() != getuid() || (data[0].permitted | data[1].permitted) != 0;
  printf("%s: euid %u, capabilities %x\n", has_gained ? "gained" : "nothing", geteuid(),
         data[0].permitted);
  return 0;
}
