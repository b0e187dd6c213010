/* Runs layers on pools of threads, several pools at the same time, and compares each result with that of one thread. It
 * is made to be run under ThreadSanitizer. It prints how many layers were right.
 */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "threads/ssc_threads.h"

enum { CALLERS = 8, LAYERS = 30, M = 60, K = 40, N = 300 };

static float weights[M * (K + 1)], x[K * N], expected[M * N];
static int32_t in[K], out[M];
static const ssc_rows SHAPE = {.m = M, .k = K, .n = N, .tiles = 1, .in = in, .out = out, .low = 0, .high = INFINITY};

/* One caller with a pool of its own, of `threads` threads; the kernels and the layer belong to all callers. */
static void *caller(void *given)
{
    const int32_t threads = *(int32_t *)given;
    ssc_threads *pool = ssc_threads_start(threads);
    float *y = malloc(sizeof expected);
    long right = 0;
    for (int layer = 0; pool && y && layer < LAYERS; layer++) {
        memset(y, 0, sizeof expected);
        ssc_rows_of_groups(ssc_kernels_best(), ssc_threads_lent(pool), 1, &SHAPE, weights, x, NULL, y);
        right += !memcmp(y, expected, sizeof expected);
        if (layer % 10 == 9)
            usleep(2000); /* the threads of the pool fall asleep */
    }
    free(y);
    ssc_threads_stop(pool);
    return (void *)right; /* NOLINT: a number that pthreads carries */
}

int main(void)
{
    pthread_t threads[CALLERS];
    int32_t sizes[CALLERS];
    long right = 0;
    for (int i = 0; i < M * (K + 1); i++)
        weights[i] = (float)(i % 13) - 6;
    for (int i = 0; i < K * N; i++)
        x[i] = (float)(i % 17) / 7 - 1;
    for (int k = 0; k < K; k++)
        in[k] = k * N;
    for (int m = 0; m < M; m++)
        out[m] = m * N;
    ssc_rows_of_groups(ssc_kernels_best(), NULL, 1, &SHAPE, weights, x, NULL, expected);
    for (int i = 0; i < CALLERS; i++) {
        sizes[i] = 1 + i % 4;
        if (pthread_create(&threads[i], NULL, caller, &sizes[i]))
            return 1;
    }
    for (int i = 0; i < CALLERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        right += (long)result;
    }
    printf("%ld right of %d\n", right, CALLERS * LAYERS);
    return right != CALLERS * LAYERS;
}
