/**
 * What limits of a worker can be set to, wherever they are asked for.
 *
 * @module
 */

/** The least memory, in bytes: with less not even the sandbox around a program starts. */
export const MIN_WORKER_BYTES: number = 16 * 1024 ** 2;

/** The fewest cores: the kernel takes no quota below 1 ms in 100 ms (its sched-bwc.rst). */
export const MIN_WORKER_CORES = 0.01;

/** The most cores, which are more than Linux is built for (CONFIG_NR_CPUS). */
export const MAX_WORKER_CORES = 8192;
