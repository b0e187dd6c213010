/* Sums, extremes and products over axes. They add in double, in the order of the axes. */
#include "generic.h"
#include "walk.h"

static double reduced(int32_t function, double so_far, double v)
{
    switch (function) {
    case SSC_MOST:
        return v > so_far || v != v ? v : so_far; /* a NaN stays: nothing is larger than it */
    case SSC_LEAST:
        return v < so_far || v != v ? v : so_far;
    case SSC_PRODUCT:
        return so_far * v;
    case SSC_SUM_OF_SQUARES:
        return so_far + v * v;
    case SSC_SUM_OF_SIZES:
        return so_far + (v < 0 ? -v : v);
    default:
        return so_far + v;
    }
}

static double begin(int32_t function)
{
    const double infinity = (double)__builtin_inff();
    return function == SSC_MOST ? -infinity : function == SSC_LEAST ? infinity : function == SSC_PRODUCT ? 1.0 : 0.0;
}

void ssc_reduce(const ssc_reduce_step *step, const float *x, float *y)
{
    ssc_walk outer, inner;
    const int32_t *strides[2], *inside[1];
    strides[0] = step->x_outer;
    strides[1] = step->y_outer;
    inside[0] = step->x_inner;
    if (!ssc_walk_begin(&outer, &step->outer, 2, strides))
        return;
    do
        for (int32_t i = 0; i < outer.n; i++) {
            const float *from = x + outer.at[0] + i * outer.by[0];
            double value = begin(step->function);
            if (ssc_walk_begin(&inner, &step->inner, 1, inside))
                do
                    for (int32_t j = 0; j < inner.n; j++)
                        value = reduced(step->function, value, (double)from[inner.at[0] + j * inner.by[0]]);
                while (ssc_walk_next(&inner));
            y[outer.at[1] + i * outer.by[1]] = (float)(value / (double)step->divisor);
        }
    while (ssc_walk_next(&outer));
}
