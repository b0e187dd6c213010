/* The kernels of the float32 engine: what each one computes, for every instruction set.
 *
 * Each set gives the same bits. The order of additions is fixed below, products are added by fused multiply-add (one
 * rounding), and nothing depends on compiler flags. The one exception is a NaN: it is a NaN in each set, but its sign
 * and payload depend on the processor.
 *
 * clip(v) below is    w = v < low ? low : v;    w > high ? high : w
 * so a NaN stays a NaN, as in PyTorch, and -0 stays -0 where low is 0. Bounds are never NaN; -INFINITY and INFINITY
 * mean that there is no bound.
 *
 * Offsets, lengths and steps count floats. A kernel reads and writes exactly the floats that its equation names, and
 * not one byte more. It keeps no state, allocates nothing and calls no library. Buffers need no alignment beyond that
 * of a float. The result may not overlap an input, except where a kernel says so. A length or count of 0 is allowed.
 */
#ifndef SSC_KERNELS_H
#define SSC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Linear rows: a 1x1 convolution, dense or of one group, or any convolution with stride 1 over padded planes.
 *
 * For each tile t < tiles, row i < m and s < n:
 *
 *   v = bias[i];  for k' = 0 .. k-1 in this order:  v = fma(w[i][k'], x[t * x_step + in[k'] + s], v)
 *   v = v + addend[t * add_step + add[i] + s]                              where `add` is not NULL
 *   y[t * y_step + out[i] + s] = clip(v), and +0 where masks[t * mask_step + mask[i] + s] is 0   (`masks` may be NULL)
 *
 * The tables make a shift, a shuffle, a group or a concatenation a matter of offsets. A mask word is 0 or 0xFFFFFFFF.
 * The weights stand as `ssc_rows_pack` writes them. `addend` may be `y` itself where both offsets of a row agree.
 */
typedef struct ssc_rows {
    int32_t m;              /* rows of the result */
    int32_t k;              /* products of each result */
    int32_t n;              /* floats of a row in one tile */
    int32_t tiles;          /* tiles, computed one after the other */
    ptrdiff_t x_step;       /* from a tile to the next, of each buffer */
    ptrdiff_t add_step;
    ptrdiff_t y_step;
    ptrdiff_t mask_step;
    const int32_t *in;      /* k offsets into x */
    const int32_t *add;     /* m offsets into the addend, or NULL */
    const int32_t *out;     /* m offsets into y */
    const int32_t *mask;    /* m offsets into masks; NULL where masks is NULL */
    const uint32_t *masks;
    float low;
    float high;
} ssc_rows;

/* Depthwise convolution over planes with margins, of any window, dilation and stride.
 *
 * For each channel c < channels, row i < rows and column j < columns:
 *
 *   v = bias[c];  for t = 0 .. taps-1 in this order:
 *       v = fma(w[c][t], x[in[c] + tap[t] + i * stride * x_pitch + j * stride], v)
 *   y[out[c] + i * y_pitch + j] = clip(v)
 *
 * The weights of a channel are [bias][taps], those of the next follow.
 */
typedef struct ssc_depthwise {
    int32_t channels;
    int32_t taps;           /* of the window: 9 for 3x3 */
    int32_t rows;           /* of the result */
    int32_t columns;
    int32_t stride;         /* 1 or more, the same down and across */
    int32_t x_pitch;        /* from a row of the input to the next */
    int32_t y_pitch;
    const int32_t *tap;     /* taps offsets; they include the dilation */
    const int32_t *in;      /* channels offsets into x: the first tap of the first result */
    const int32_t *out;     /* channels offsets into y */
    float low;
    float high;
} ssc_depthwise;

/* Means and sums of rows, each in one fixed order for every vector width.
 *
 * For each row i < m:
 *
 *   lane[l] = 0 for l < 16;  for t < tiles, for s < n, in this order:  lane[s % 16] += x[t * x_step + in[i] + s]
 *   then for h = 8, 4, 2, 1, for l < h:  lane[l] += lane[l + h]
 *   y[i] = lane[0] / divisor
 */
typedef struct ssc_sums {
    int32_t m;
    int32_t n;
    int32_t tiles;
    ptrdiff_t x_step;
    const int32_t *in;      /* m offsets into x */
    float divisor;
} ssc_sums;

/* Elementwise functions: y[s] = clip(a[s] + b[s]), clip(a[s] * b[s]) or clip(a[s]), for s < n. y may be a or b. */
typedef void ssc_binary(ptrdiff_t n, const float *a, const float *b, float low, float high, float *y);
typedef void ssc_unary(ptrdiff_t n, const float *a, float low, float high, float *y);

/* y[s] = x[2 * s], for s < n: the bits as they are. */
typedef void ssc_halve(ptrdiff_t n, const float *x, float *y);

/* The kernels of one instruction set. */
typedef struct ssc_kernels {
    const char *name;
    void (*rows)(const ssc_rows *shape, const float *weights, const float *x, const float *addend, float *y);
    void (*depthwise)(const ssc_depthwise *shape, const float *weights, const float *x, float *y);
    void (*sums)(const ssc_sums *shape, const float *x, float *y);
    ssc_binary *add;
    ssc_binary *multiply;
    ssc_unary *clip;
    ssc_halve *halve;
} ssc_kernels;

/* The weights of linear rows, for every instruction set alike: as many blocks of 6 rows as there are, then one of 3 if
 * 3 rows or more are left, then blocks of 1. A block of r rows is [r biases][k][r]. */

/* The floats of the packed weights of m rows of k products: m * (k + 1). */
static inline size_t ssc_rows_packed(int32_t m, int32_t k) { return (size_t)m * ((size_t)k + 1); }

/* Pack weights [m][k] and a bias [m]. `packed` has ssc_rows_packed(m, k) floats and overlaps nothing. */
void ssc_rows_pack(int32_t m, int32_t k, const float *weights, const float *bias, float *packed);

/* Instruction sets, each faster than those before it. */
typedef enum ssc_set { SSC_SCALAR, SSC_NEON, SSC_AVX2, SSC_AVX512, SSC_SETS } ssc_set;

/* The kernels of one set, or NULL where this build or this processor does not have it. SSC_SCALAR is always there. */
const ssc_kernels *ssc_kernels_for(ssc_set set);

/* The kernels of the fastest set of this processor. It asks the processor each time, which takes some ten microseconds
 * in a virtual machine: call it once and keep the result. */
const ssc_kernels *ssc_kernels_best(void);

#ifdef __cplusplus
}
#endif

#endif
