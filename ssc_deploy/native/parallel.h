/* Kernels by several threads. The threads are the caller's: it supplies a parallel-for. Results have the same bits for
 * every number of threads, since each float is computed by one of them, in the order that kernels.h fixes.
 */
#ifndef SSC_PARALLEL_H
#define SSC_PARALLEL_H

#include "kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Calls part(argument, i) once for each i < count, in any order and on any thread, and returns when all have returned. */
typedef void ssc_parallel_for(void *context, int32_t count, void (*part)(void *argument, int32_t i), void *argument);

/* Threads that the caller lends. `run` gets `context`; it is called with a count of at most `threads`. */
typedef struct ssc_parallel {
    ssc_parallel_for *run;
    void *context;
    int32_t threads;
} ssc_parallel;

/* Linear rows of `groups` groups. Group g takes the next k words of `in`, the next m words of `out`, `add` and `mask`,
 * and the next ssc_rows_packed(m, k) weights. `parallel` is NULL for the calling thread alone. */
void ssc_rows_of_groups(const ssc_kernels *kernels, const ssc_parallel *parallel, int32_t groups, const ssc_rows *shape,
                        const float *weights, const float *x, const float *addend, float *y);

/* `kernels->depthwise`, by several threads. */
void ssc_depthwise_of_channels(const ssc_kernels *kernels, const ssc_parallel *parallel, const ssc_depthwise *shape,
                               const float *weights, const float *x, float *y);

#ifdef __cplusplus
}
#endif

#endif
