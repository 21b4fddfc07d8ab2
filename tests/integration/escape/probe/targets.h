/* What the program was told of its surroundings. */
#ifndef TARGETS_H
#define TARGETS_H

/** Reads lines of `NAME=VALUE`; ends the program when it cannot. */
void load_targets(const char *path);

#endif
