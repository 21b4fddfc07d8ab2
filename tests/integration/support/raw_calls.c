/*
 * Makes system calls by their numbers, and tells what the kernel says.
 *
 *     raw_calls calls FILE    each line of FILE is a number and six arguments in hexadecimal; for each
 *                             one the error number is printed, 0 for none
 *     raw_calls foreign       calls getpid by the 32-bit entry of an x86-64 kernel
 *     raw_calls usual         does what programs do, and names each thing that worked
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ifaddrs.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int make_calls(const char *path)
{
	FILE *file = fopen(path, "r");
	unsigned long number, a[6];

	if (!file) {
		perror(path);
		return 1;
	}
	while (fscanf(file, "%lx %lx %lx %lx %lx %lx %lx", &number, a, a + 1, a + 2, a + 3, a + 4, a + 5) == 7) {
		long result;

		errno = 0;
		result = syscall((long)number, a[0], a[1], a[2], a[3], a[4], a[5]);
		printf("errno %d\n", result < 0 ? errno : 0);
		if (result > 2)
			close((int)result);
	}
	fclose(file);
	return 0;
}

static int call_by_foreign_entry(void)
{
#ifdef __x86_64__
	long result;

	/* 20 is getpid there. */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
	printf("pid %ld\n", result);
	return 0;
#else
	return 2;
#endif
}

static void *thread(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static void tell(const char *what, int worked)
{
	if (worked)
		printf("works: %s\n", what);
	else
		printf("fails: %s: %s\n", what, strerror(errno));
}

static int do_usual_things(void)
{
	char *argv[] = { "true", NULL };
	struct ifaddrs *addresses;
	pthread_t id;
	pid_t child;
	int ran = 0, status = 0, pair[2], segment;

	tell("a thread", !pthread_create(&id, NULL, thread, &ran) && !pthread_join(id, NULL) && ran);
	child = fork();
	if (child == 0)
		_exit(7);
	tell("fork", waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
	tell("posix_spawn", !posix_spawn(&child, "/usr/bin/true", NULL, NULL, argv, environ) &&
	     waitpid(child, &status, 0) == child && status == 0);
	tell("getifaddrs", !getifaddrs(&addresses));
	tell("socketpair", !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	tell("send", send(pair[0], "x", 1, MSG_NOSIGNAL) == 1);
	tell("mkfifo", !mkfifo("/tmp/fifo", 0600));
	segment = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
	tell("shmget", segment >= 0 && !shmctl(segment, IPC_RMID, NULL));
	tell("memfd_create", memfd_create("name", 0) >= 0);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "calls"))
		return make_calls(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "foreign"))
		return call_by_foreign_entry();
	if (argc == 2 && !strcmp(argv[1], "usual"))
		return do_usual_things();
	return 2;
}
