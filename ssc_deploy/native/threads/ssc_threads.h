/* A pool of POSIX threads that lends itself to the engine (see ssc_parallel). It is optional: the engine takes any
 * parallel-for, and works without one. Unlike the engine it needs the C library and pthreads.
 */
#ifndef SSC_THREADS_H
#define SSC_THREADS_H

#include "parallel.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ssc_threads ssc_threads;

/* Starts threads - 1 threads; the caller of the engine is the other one. NULL where the system has no more. */
ssc_threads *ssc_threads_start(int32_t threads);

/* What the engine takes. One call of the engine at a time may use it. It is there until ssc_threads_stop. */
const ssc_parallel *ssc_threads_lent(const ssc_threads *pool);

/* Ends the threads and frees the pool; NULL is allowed. */
void ssc_threads_stop(ssc_threads *pool);

#ifdef __cplusplus
}
#endif

#endif
