/*
 * A program that tries to break out of where it runs. Each attempt is a function that ends its
 * process by saying what came of it; the program runs each in a process of its own, so that one
 * that is killed or hangs takes no other with it.
 *
 * Nothing that an attempt does may harm a host that lets it: it asks for what the host has anyway,
 * or opens and does not write. The program refuses to run as root.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stddef.h>
#include <stdint.h>

/** One way to try. */
struct attempt {
  /** What the table of the expected results calls it. */
  const char *name;
  /** Tries, and ends its process with one of the verdicts below. */
  void (*run)(const char *argument);
  /** What is handed to `run`, where several attempts share it. */
  const char *argument;
};

/** Attempts of one kind. */
struct attempt_group {
  /** The heading that the table has over them. */
  const char *name;
  const struct attempt *attempts;
  size_t count;
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GROUP(title, array) {title, array, COUNT(array)}

extern const struct attempt_group FILES, PROCESSES, IP, UNIX_SOCKETS, FAMILIES, NAMESPACES, MOUNTS,
    PRIVILEGE, IPC, KERNEL, ADMINISTRATION, DEVICES, LIMITS;

#define VERDICT __attribute__((format(printf, 1, 2), noreturn))

/** It worked; the text is the evidence. */
VERDICT void worked(const char *format, ...);
/** The kernel refused, with errno as it is now. */
VERDICT void refused(const char *format, ...);
/** Nothing was refused, and nothing was gained. */
VERDICT void held(const char *format, ...);
/** There is no such thing for this processor. */
VERDICT void absent(const char *format, ...);
/** It could not be tried, which is an error of the test. */
VERDICT void broken(const char *format, ...);

/** Refused where `result` is -1, else worked. */
_Noreturn void settle(long result, const char *what);
/** The same, but an error that only who has the right can get counts as well. */
_Noreturn void settle_right(long result, int error, const char *what);

/** What the surroundings are called here; broken when nobody said. */
const char *target(const char *name);
/** The same as a number above 0. */
long target_number(const char *name);
/** Whether a descriptor was open when the program started. */
int is_inherited(int fd);

/** Worked if the file holds the secret that only the host's files hold. */
_Noreturn void settle_secret(const char *path);
/** Reads up to `size` - 1 bytes and ends them with NUL; -1 with errno. */
long read_file(const char *path, char *into, size_t size);
/** Whether bytes, which may hold NULs, hold a text. */
int holds(const char *bytes, long length, const char *text);
/** Worked if it can be opened so; nothing is read or written. */
_Noreturn void settle_open(const char *path, int flags);
/** A path in a folder where files can be made, which no other attempt has. */
const char *scratch(const char *name);
/** Puts a path together; an attempt ends too soon for anybody to free it. */
const char *path_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** A child that waits until the attempt ends. */
int waiting_child(void);

#endif
