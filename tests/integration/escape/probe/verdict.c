/* How an attempt says what came of it. */
#define _GNU_SOURCE
#include "verdict.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static int report_fd = -1;

void report_to(int fd) {
  report_fd = fd;
}

/** Evidence comes from files of others, and a line of the report must stay a line. */
static void make_printable(char *text) {
  for (; *text != '\0'; text++) {
    if (*text < ' ' || *text > '~') *text = ' ';
  }
}

static _Noreturn void end(const char *verdict, const char *suffix, const char *format,
                          va_list rest) {
  char evidence[512], line[640];
  vsnprintf(evidence, sizeof evidence, format, rest);
  make_printable(evidence);
  int length = snprintf(line, sizeof line, "%s\t%s%s", verdict, evidence, suffix);
  if (write(report_fd, line, length) != length) _exit(4);
  _exit(0);
}

#define VERDICT_FUNCTION(function, verdict, suffix)  \
  void function(const char *format, ...) {           \
    const char *error = strerrorname_np(errno);      \
    char text[64];                                   \
    va_list rest;                                    \
    snprintf(text, sizeof text, ": %s", error ? error : "no error"); \
    va_start(rest, format);                          \
    end(verdict, (suffix) ? text : "", format, rest); \
  }

VERDICT_FUNCTION(worked, "open", 0)
VERDICT_FUNCTION(refused, "closed", 1)
VERDICT_FUNCTION(held, "closed", 0)
VERDICT_FUNCTION(absent, "absent", 0)
VERDICT_FUNCTION(broken, "broken", 1)

void settle(long result, const char *what) {
  if (result == -1) refused("%s", what);
  worked("%s", what);
}

void settle_right(long result, int error, const char *what) {
  settle(result == -1 && errno == error ? 0 : result, what);
}
