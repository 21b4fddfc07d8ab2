/* A library that runs before the program that loads it, and says so where that one is set-id. */
#include <stdio.h>
#include <unistd.h>

__attribute__((constructor)) static void speak(void) {
  if (geteuid() != getuid()) printf("preloaded with euid %u\n", geteuid());
}
