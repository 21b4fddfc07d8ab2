/* Where verdicts go. */
#ifndef VERDICT_H
#define VERDICT_H

/** Names the descriptor that the verdict of this process is written to. */
void report_to(int fd);

#endif
