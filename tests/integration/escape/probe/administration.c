/* What only an administrator may do, asked so that nothing changes where it is allowed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/quota.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

static void set_host_name(const char *argument) {
  (void)argument;
  char name[256];
  if (gethostname(name, sizeof name) == -1) broken("no host name");
  settle(sethostname(name, strlen(name)), "sethostname");
}

static void set_domain_name(const char *argument) {
  (void)argument;
  char name[256];
  if (getdomainname(name, sizeof name) == -1) broken("no domain name");
  settle(setdomainname(name, strlen(name)), "setdomainname");
}

static void set_time(const char *argument) {
  (void)argument;
  struct timeval now;
  gettimeofday(&now, NULL);
  settle(settimeofday(&now, NULL), "settimeofday");
}

static void set_clock(const char *argument) {
  (void)argument;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  settle(clock_settime(CLOCK_REALTIME, &now), "clock_settime");
}

/** The tick that it has anyway. */
static void adjust_clock(const char *argument) {
  (void)argument;
  struct timex now = {.modes = 0};
  if (adjtimex(&now) == -1) refused("read the clock");
  now.modes = ADJ_TICK;
  settle(adjtimex(&now), "adjtimex");
}

static void swap_on(const char *argument) {
  (void)argument;
  settle_right(swapon("/nonexistent", 0), ENOENT, "swapon");
}

static void swap_off(const char *argument) {
  (void)argument;
  settle_right(swapoff("/nonexistent"), ENOENT, "swapoff");
}

/** Turns the key combination off that reboots; only the first pid namespace has one. */
static void reboot_host(const char *argument) {
  (void)argument;
  long result =
      syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, 0);
  settle_right(result, EINVAL, "reboot");
}

static void kexec(const char *argument) {
  (void)argument;
  settle(syscall(SYS_kexec_load, 0, 1, NULL, 0), "kexec_load");
}

static void kexec_file(const char *argument) {
  (void)argument;
  settle_right(syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0), EBADF, "kexec_file_load");
}

static void load_module(const char *argument) {
  (void)argument;
  settle_right(syscall(SYS_init_module, "", 0, ""), ENOEXEC, "init_module");
}

static void load_module_file(const char *argument) {
  (void)argument;
  settle_right(syscall(SYS_finit_module, -1, "", 0), EBADF, "finit_module");
}

static void remove_module(const char *argument) {
  (void)argument;
  settle_right(syscall(SYS_delete_module, "nonexistent", O_NONBLOCK), ENOENT, "delete_module");
}

static void account(const char *argument) {
  (void)argument;
  settle(acct(NULL), "acct");
}

static void quota(const char *argument) {
  (void)argument;
  settle(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL), "quotactl");
}

static void quota_by_fd(const char *argument) {
  (void)argument;
  char info[256];
  int fd = open(target("app"), O_RDONLY | O_DIRECTORY);
  long result = syscall(SYS_quotactl_fd, fd, QCMD(Q_GETINFO, USRQUOTA), 0, info);
  // There are no quotas where the app is.
  settle_right(result, ESRCH, "quotactl_fd");
}

static void read_kernel_log(const char *argument) {
  (void)argument;
  char text[4096];
  settle(klogctl(3, text, sizeof text), "syslog");
}

static void clear_kernel_log_level(const char *argument) {
  (void)argument;
  settle(klogctl(7, NULL, 0), "syslog");
}

static void hang_up(const char *argument) {
  (void)argument;
  settle(vhangup(), "vhangup");
}

static const struct attempt ATTEMPTS[] = {
    {"sethostname", set_host_name, NULL},
    {"setdomainname", set_domain_name, NULL},
    {"settimeofday", set_time, NULL},
    {"clock_settime", set_clock, NULL},
    {"adjtimex", adjust_clock, NULL},
    {"swapon", swap_on, NULL},
    {"swapoff", swap_off, NULL},
    {"reboot", reboot_host, NULL},
    {"kexec_load", kexec, NULL},
    {"kexec_file_load", kexec_file, NULL},
    {"init_module", load_module, NULL},
    {"finit_module", load_module_file, NULL},
    {"delete_module", remove_module, NULL},
    {"acct", account, NULL},
    {"quotactl", quota, NULL},
    {"quotactl_fd", quota_by_fd, NULL},
    {"syslog", read_kernel_log, NULL},
    {"syslog_console", clear_kernel_log_level, NULL},
    {"vhangup", hang_up, NULL},
};

const struct attempt_group ADMINISTRATION = GROUP("Administration", ATTEMPTS);
