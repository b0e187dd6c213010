/* The float32 engine: it runs a plan, a list of steps that each read and write floats.
 *
 * A plan is an array of 32-bit words. It may come from a file of somebody else: ssc_plan_check looks at every offset and
 * size in it, and a plan that passes reads and writes nothing outside of the buffers that it names. The other functions
 * take checked plans only. The engine keeps no state and allocates nothing, so any number of threads may run one plan,
 * each with an arena of its own.
 *
 * THE FORMAT (this is its only description; ssc_deploy/lower/native/plan.py writes it)
 *
 *   word  0  SSC_PLAN_MAGIC
 *   word  1  SSC_PLAN_VERSION
 *   word  2  words of the plan, this header and the tables included
 *   word  3  floats of the arena
 *   word  4  floats of the weights
 *   word  5  inputs, I
 *   word  6  outputs, O
 *   word  7  steps
 *   word  8  position of the first step
 *   word  9  floats of each input, then of each output: I + O words
 *
 * A buffer is a number: 0 the weights, 1 the arena, 2 .. the inputs, then the outputs. Weights and inputs are read only.
 * A place is two words: a buffer and an offset in floats. A float is its bits in one word. A table is the position of
 * its first word in the plan, or -1 where there is none. A list of sizes is a rank from 0 to SSC_RANK, then one word a
 * size. The steps follow one another; each begins with its kind and its number of words, and then has the words that
 * `ssc_step_kind` lists. x, a, b and y are places, sx .. sy a list of strides, one word for each size.
 */
#ifndef SSC_ENGINE_H
#define SSC_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "parallel.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SSC_PLAN_MAGIC 0x31435353 /* "SSC1" in a little-endian file */
#define SSC_PLAN_VERSION 1
#define SSC_RANK 8

typedef enum ssc_step_kind {
    /* See `ssc_rows` in kernels.h, for each of `groups`: group g takes the next k words of `in` and m words of `out`,
     * `add` and `mask`, and the next m * (k + 1) weights.
     * groups m k n tiles  x x_step  add add_step  y y_step  weights(place)  in out addoff mask masks(tables)
     * mask_step  words of masks  low high.  The buffer of `add` is -1 where nothing is added. */
    SSC_STEP_ROWS = 1,
    /* See `ssc_depthwise`: channels taps rows columns stride x_pitch y_pitch  x  y  weights(place)  tap in out(tables)
     * low high */
    SSC_STEP_DEPTHWISE = 2,
    /* See `ssc_sums`: m n tiles  x x_step  y  in(table)  divisor */
    SSC_STEP_SUMS = 3,
    /* y = x: sizes  x  y  table  sx sy.  With a table, element i of the first axis is at x + table[i]. */
    SSC_STEP_MOVE = 4,
    /* y = value: sizes  y  value  sy */
    SSC_STEP_FILL = 5,
    /* y = function(x): function(ssc_function)  sizes  x  y  p q  sx sy */
    SSC_STEP_MAP = 6,
    /* y = clip(function(a, b)): function(ssc_pair)  sizes  a  b  y  low high  sa sb sy */
    SSC_STEP_PAIR = 7,
    /* y = c is not 0 ? a : b: sizes  c  a  b  y  sc sa sb sy */
    SSC_STEP_SELECT = 8,
    /* y = function over `inner` of x, divided by divisor: function(ssc_reduction)  outer(sizes)  inner(sizes)  x  y
     * divisor  sx_outer  sy_outer  sx_inner */
    SSC_STEP_REDUCE = 9,
    /* Windows over images: function(SSC_SUM for means, SSC_MOST)  counted  n c  oh ow  h w  kh kw  strides(2)
     * dilations(2)  top left bottom right  x  y  sx(4) sy(4).  counted is 1 where padding counts in a mean. */
    SSC_STEP_POOL = 10,
    /* y[.., i, j] = sum over k of a[.., i, k] * b[.., k, j]: sizes  m n k  a  b  y  sa sb sy  ai ak  bk bj  yi yj */
    SSC_STEP_MATMUL = 11,
    /* y[i, ..] = sum over t < taps of weights[i * taps + t] * x[index[i * taps + t], ..]: sizes  taps  index(table)
     * weights(place)  x  y  sx sy */
    SSC_STEP_SAMPLE = 12
} ssc_step_kind;

typedef enum ssc_function {
    SSC_CLIP,         /* between p and q, NaN stays */
    SSC_ABS,
    SSC_NEGATE,
    SSC_RECIPROCAL,
    SSC_SQRT,
    SSC_EXP,
    SSC_LOG,
    SSC_SIGMOID,
    SSC_TANH,
    SSC_ERF,
    SSC_FLOOR,
    SSC_CEIL,
    SSC_ROUND,        /* half to even */
    SSC_SIGN,
    SSC_LEAKY,        /* p * x below 0 */
    SSC_ELU,          /* p * (exp(x) - 1) below 0, q * x above */
    SSC_SOFTPLUS,
    SSC_HARD_SIGMOID, /* clip(p * x + q) to [0, 1] */
    SSC_HARD_SWISH,   /* x * clip(p * x + q) to [0, 1] */
    SSC_SILU,
    SSC_GELU,         /* x * (1 + erf(x / sqrt 2)) / 2 */
    SSC_NOT,
    SSC_MISH,
    SSC_SOFTSIGN,
    SSC_FUNCTIONS
} ssc_function;

typedef enum ssc_pair {
    SSC_ADD,
    SSC_SUBTRACT,
    SSC_MULTIPLY,
    SSC_DIVIDE,
    SSC_MAXIMUM,
    SSC_MINIMUM,
    SSC_POWER,
    SSC_PRELU, /* a, or a * b where a is below 0 */
    SSC_LESS,
    SSC_GREATER,
    SSC_EQUAL,
    SSC_LESS_EQUAL,
    SSC_GREATER_EQUAL,
    SSC_AND,
    SSC_OR,
    SSC_PAIRS
} ssc_pair;

typedef enum ssc_reduction { SSC_SUM, SSC_MOST, SSC_LEAST, SSC_PRODUCT, SSC_SUM_OF_SQUARES, SSC_SUM_OF_SIZES, SSC_REDUCTIONS } ssc_reduction;

/* Whether a plan may run: NULL, or a sentence that says what is wrong. `count` is the number of words in `plan`. */
const char *ssc_plan_check(const int32_t *plan, size_t count);

/* The floats of the arena that a checked plan needs. */
size_t ssc_plan_arena(const int32_t *plan);

/* The steps of a checked plan. */
size_t ssc_plan_steps(const int32_t *plan);

/* What a plan runs on. Every machine gives the same bits. */
typedef struct ssc_machine {
    const ssc_kernels *kernels;   /* ssc_kernels_best(), asked once, or another set of this processor */
    const ssc_parallel *parallel; /* threads that the caller lends, or NULL */
} ssc_machine;

/* Run a checked plan. The buffers have the sizes that it says, and overlap nowhere. The arena may hold anything. */
void ssc_plan_run(const int32_t *plan, const float *weights, const float *const *inputs, float *const *outputs, float *arena);

/* Run the steps from `first` on, `count` of them; what earlier steps wrote is in the arena still. */
void ssc_plan_run_steps(const int32_t *plan, const float *weights, const float *const *inputs, float *const *outputs,
                        float *arena, size_t first, size_t count);

/* The same on a machine of the caller's choice. The two functions above ask the processor each time, which takes some
 * ten microseconds in a virtual machine, and use the calling thread alone. */
void ssc_plan_run_on(const ssc_machine *machine, const int32_t *plan, const float *weights, const float *const *inputs,
                     float *const *outputs, float *arena, size_t first, size_t count);

#ifdef __cplusplus
}
#endif

#endif
