/* Functions of one number, and of two. */
#include "functions.h"
#include "generic.h"
#include "walk.h"

static double unit(double v) { return v < 0 ? 0 : v > 1 ? 1 : v; }

static double rounded(double x)
{
    const double below = ssc_floor(x), part = x - below;
    if (part < 0.5 || part != part)
        return below;
    if (part > 0.5)
        return -ssc_floor(-x);
    return ssc_floor(below / 2) * 2 == below ? below : -ssc_floor(-x);
}

static double mapped(int32_t function, double x, double p, double q)
{
    switch (function) {
    case SSC_ABS:
        return x < 0 || (x == 0 && 1 / x < 0) ? -x : x;
    case SSC_NEGATE:
        return -x;
    case SSC_RECIPROCAL:
        return 1 / x;
    case SSC_SQRT:
        return ssc_sqrt(x);
    case SSC_EXP:
        return ssc_exp(x);
    case SSC_LOG:
        return ssc_log(x);
    case SSC_SIGMOID:
        return ssc_sigmoid(x);
    case SSC_TANH:
        return ssc_tanh(x);
    case SSC_ERF:
        return ssc_erf(x);
    case SSC_FLOOR:
        return ssc_floor(x);
    case SSC_CEIL:
        return -ssc_floor(-x);
    case SSC_ROUND:
        return rounded(x);
    case SSC_SIGN:
        return x > 0 ? 1 : x < 0 ? -1 : x;
    case SSC_LEAKY:
        return x < 0 ? p * x : x;
    case SSC_ELU:
        return x < 0 ? p * ssc_expm1(x) : q * x;
    case SSC_SOFTPLUS:
        return x > 0 ? x + ssc_log1p(ssc_exp(-x)) : ssc_log1p(ssc_exp(x));
    case SSC_HARD_SIGMOID:
        return unit(p * x + q);
    case SSC_HARD_SWISH:
        return x * unit(p * x + q);
    case SSC_SILU:
        return x * ssc_sigmoid(x);
    case SSC_GELU:
        return x * 0.5 * (1 + ssc_erf(x * 0.70710678118654752));
    case SSC_NOT:
        return x == 0;
    case SSC_MISH:
        return x * ssc_tanh(x > 0 ? x + ssc_log1p(ssc_exp(-x)) : ssc_log1p(ssc_exp(x)));
    case SSC_SOFTSIGN:
        return x / (1 + (x < 0 ? -x : x));
    default:
        return x < p ? p : x > q ? q : x;
    }
}

void ssc_map(const ssc_box_step *step, const ssc_kernels *kernels, const float *x, float *y)
{
    ssc_walk walk;
    const int32_t *strides[2];
    strides[0] = step->strides[0];
    strides[1] = step->y_strides;
    if (!ssc_walk_begin(&walk, &step->sizes, 2, strides))
        return;
    do {
        const float *from = x + walk.at[0];
        float *to = y + walk.at[1];
        if (step->function == SSC_CLIP && walk.by[0] == 1 && walk.by[1] == 1)
            kernels->clip(walk.n, from, step->p, step->q, to);
        else
            for (int32_t i = 0; i < walk.n; i++)
                to[i * walk.by[1]] =
                    (float)mapped(step->function, (double)from[i * walk.by[0]], (double)step->p, (double)step->q);
    } while (ssc_walk_next(&walk));
}

static float paired(int32_t function, float a, float b)
{
    switch (function) {
    case SSC_ADD:
        return a + b;
    case SSC_SUBTRACT:
        return a - b;
    case SSC_MULTIPLY:
        return a * b;
    case SSC_DIVIDE:
        return a / b;
    case SSC_MAXIMUM:
        return a > b || a != a ? a : b;
    case SSC_MINIMUM:
        return a < b || a != a ? a : b;
    case SSC_POWER:
        return (float)ssc_power((double)a, (double)b);
    case SSC_PRELU:
        return a < 0 ? a * b : a;
    case SSC_LESS:
        return a < b;
    case SSC_GREATER:
        return a > b;
    case SSC_EQUAL:
        return a == b;
    case SSC_LESS_EQUAL:
        return a <= b;
    case SSC_GREATER_EQUAL:
        return a >= b;
    case SSC_AND:
        return a != 0 && b != 0;
    default:
        return a != 0 || b != 0;
    }
}

void ssc_pairs(const ssc_box_step *step, const ssc_kernels *kernels, const float *a, const float *b, float *y)
{
    ssc_walk walk;
    const int32_t *strides[3];
    strides[0] = step->strides[0];
    strides[1] = step->strides[1];
    strides[2] = step->y_strides;
    if (!ssc_walk_begin(&walk, &step->sizes, 3, strides))
        return;
    const int along = walk.by[0] == 1 && walk.by[1] == 1 && walk.by[2] == 1;
    do {
        const float *left = a + walk.at[0], *right = b + walk.at[1];
        float *to = y + walk.at[2];
        if (along && step->function == SSC_ADD)
            kernels->add(walk.n, left, right, step->p, step->q, to);
        else if (along && step->function == SSC_MULTIPLY)
            kernels->multiply(walk.n, left, right, step->p, step->q, to);
        else
            for (int32_t i = 0; i < walk.n; i++) {
                const float v = paired(step->function, left[i * walk.by[0]], right[i * walk.by[1]]);
                to[i * walk.by[2]] = v < step->p ? step->p : v > step->q ? step->q : v;
            }
    } while (ssc_walk_next(&walk));
}

void ssc_select(const ssc_box_step *step, const float *c, const float *a, const float *b, float *y)
{
    ssc_walk walk;
    const int32_t *strides[4];
    for (int i = 0; i < 3; i++)
        strides[i] = step->strides[i];
    strides[3] = step->y_strides;
    if (!ssc_walk_begin(&walk, &step->sizes, 4, strides))
        return;
    do
        for (int32_t i = 0; i < walk.n; i++)
            y[walk.at[3] + i * walk.by[3]] = c[walk.at[0] + i * walk.by[0]] != 0 ? a[walk.at[1] + i * walk.by[1]]
                                                                                  : b[walk.at[2] + i * walk.by[2]];
    while (ssc_walk_next(&walk));
}
