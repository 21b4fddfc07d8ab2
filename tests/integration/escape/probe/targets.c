/* What the program was told of its surroundings, and what several attempts do with it. */
#define _GNU_SOURCE
#include "targets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static char targets[16384];

void load_targets(const char *path) {
  targets[0] = '\n';
  if (read_file(path, targets + 1, sizeof targets - 1) == -1) {
    fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
    exit(3);
  }
}

const char *target(const char *name) {
  char key[128];
  snprintf(key, sizeof key, "\n%s=", name);
  char *found = strstr(targets, key);
  if (found == NULL) broken("nobody said what %s is", name);
  char *value = found + strlen(key);
  return strndup(value, strcspn(value, "\n"));
}

long target_number(const char *name) {
  long number = atol(target(name));
  if (number <= 0) broken("%s is %s, want a number", name, target(name));
  return number;
}

long read_file(const char *path, char *into, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1) return -1;
  size_t length = 0;
  ssize_t part;
  while ((part = read(fd, into + length, size - 1 - length)) > 0) length += part;
  int error = errno;
  close(fd);
  errno = error;
  into[length] = '\0';
  return part == -1 ? -1 : (long)length;
}

int holds(const char *bytes, long length, const char *text) {
  return length > 0 && memmem(bytes, length, text, strlen(text)) != NULL;
}

void settle_secret(const char *path) {
  static char text[65536];
  long length = read_file(path, text, sizeof text);
  if (length == -1) refused("read %s", path);
  if (holds(text, length, target("secret"))) worked("read %s", path);
  held("%s is not the host's", path);
}

void settle_open(const char *path, int flags) {
  if (open(path, flags | O_CLOEXEC | O_NONBLOCK) == -1) refused("open %s", path);
  worked("open %s", path);
}

const char *path_of(const char *format, ...) {
  char *path;
  va_list rest;
  va_start(rest, format);
  if (vasprintf(&path, format, rest) == -1) broken("no memory");
  va_end(rest);
  return path;
}

const char *scratch(const char *name) {
  return path_of("%s/%s-%d", target("scratch"), name, getpid());
}

int waiting_child(void) {
  pid_t child = fork();
  if (child == -1) broken("cannot fork");
  if (child == 0) {
    for (;;) pause();
  }
  return child;
}
