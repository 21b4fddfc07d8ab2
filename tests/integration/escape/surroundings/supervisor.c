/*
 * Starts a server as a careless supervisor would: on a terminal, with a file of its own left open,
 * a secret in the environment, and a key in the session keyring. Workers must get none of them.
 *
 *     supervisor FILE KEYRING KEY SECRET PROGRAM [ARGUMENT]...
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/keyctl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Everything for whoever possesses it and for its user; linux/key.h. */
#define ALL_FOR_USER 0x3f3f0000

static void must(long result, const char *what) {
  if (result != -1) return;
  perror(what);
  exit(1);
}

/** The other end stays open, since a terminal without one is dead. */
static void take_terminal(void) {
  int master, slave;
  must(openpty(&master, &slave, NULL, NULL, NULL), "make a terminal");
  must(setsid(), "make a session");
  must(ioctl(slave, TIOCSCTTY, 0), "take the terminal");
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  const char *keyring = argv[2], *key = argv[3], *secret = argv[4];
  char number[32];

  take_terminal();
  must(dup2(open(argv[1], O_RDONLY), 9), "leave a file open");
  long ring = syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, keyring);
  must(ring, "join a session keyring");
  long id = syscall(SYS_add_key, "user", key, secret, strlen(secret), ring);
  must(id, "add a key");
  must(syscall(SYS_keyctl, KEYCTL_SETPERM, id, ALL_FOR_USER), "open the key to its user");
  must(syscall(SYS_keyctl, KEYCTL_SETPERM, ring, ALL_FOR_USER), "open the keyring to its user");
  snprintf(number, sizeof number, "%ld", id);
  must(setenv("ESCAPE_SECRET", secret, 1), "set a variable");
  must(setenv("ESCAPE_KEY_ID", number, 1), "set a variable");
  execv(argv[5], argv + 5);
  perror(argv[5]);
  return 1;
}
