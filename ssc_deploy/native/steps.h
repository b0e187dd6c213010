/* The steps of a plan, read from its words: the checker and the runner read them by the same functions. */
#ifndef SSC_STEPS_H
#define SSC_STEPS_H

#include "kernels.h"
#include "ssc_engine.h"

/* A position in the plan. Beyond `end` it gives zeros and notes that too much was asked for. */
typedef struct ssc_cursor {
    const int32_t *at;
    const int32_t *end;
    int failed;
} ssc_cursor;

/* Some floats of a buffer. */
typedef struct ssc_place {
    int32_t buffer;
    int32_t offset;
} ssc_place;

/* Sizes of axes, the last one innermost. They stand in the plan. */
typedef struct ssc_sizes {
    int32_t rank;
    const int32_t *size;
} ssc_sizes;

typedef struct ssc_rows_step {
    int32_t groups, m, k, n, tiles;
    ssc_place x, add, y, weights;
    int32_t x_step, add_step, y_step, mask_step;
    int32_t in, out, addoff, mask, masks, mask_words;
    float low, high;
} ssc_rows_step;

typedef struct ssc_depthwise_step {
    int32_t channels, taps, rows, columns, stride, x_pitch, y_pitch;
    ssc_place x, y, weights;
    int32_t tap, in, out;
    float low, high;
} ssc_depthwise_step;

typedef struct ssc_sums_step {
    int32_t m, n, tiles;
    ssc_place x, y;
    int32_t x_step, in;
    float divisor;
} ssc_sums_step;

/* Steps that go through boxes of numbers: up to three that are read, and one that is written. */
typedef struct ssc_box_step {
    int32_t function;
    ssc_sizes sizes;
    int32_t reads;
    ssc_place read[3];
    const int32_t *strides[3];
    ssc_place y;
    const int32_t *y_strides;
    int32_t table;
    float p, q; /* parameters, bounds, or the value of a fill */
} ssc_box_step;

typedef struct ssc_reduce_step {
    int32_t function;
    ssc_sizes outer, inner;
    ssc_place x, y;
    float divisor;
    const int32_t *x_outer, *y_outer, *x_inner;
} ssc_reduce_step;

typedef struct ssc_pool_step {
    int32_t function, counted;
    int32_t n, c, oh, ow, h, w, kh, kw;
    int32_t strides[2], dilations[2];
    int32_t top, left, bottom, right;
    ssc_place x, y;
    const int32_t *x_strides, *y_strides;
} ssc_pool_step;

typedef struct ssc_matmul_step {
    ssc_sizes sizes;
    int32_t m, n, k;
    ssc_place a, b, y;
    const int32_t *a_strides, *b_strides, *y_strides;
    int32_t ai, ak, bk, bj, yi, yj;
} ssc_matmul_step;

typedef struct ssc_sample_step {
    ssc_sizes sizes;
    int32_t taps, index;
    ssc_place weights, x, y;
    const int32_t *x_strides, *y_strides;
} ssc_sample_step;

void ssc_read_rows(ssc_cursor *cursor, ssc_rows_step *step);
void ssc_read_depthwise(ssc_cursor *cursor, ssc_depthwise_step *step);
void ssc_read_sums(ssc_cursor *cursor, ssc_sums_step *step);
void ssc_read_box(ssc_cursor *cursor, int32_t kind, ssc_box_step *step);
void ssc_read_reduce(ssc_cursor *cursor, ssc_reduce_step *step);
void ssc_read_pool(ssc_cursor *cursor, ssc_pool_step *step);
void ssc_read_matmul(ssc_cursor *cursor, ssc_matmul_step *step);
void ssc_read_sample(ssc_cursor *cursor, ssc_sample_step *step);

#endif
