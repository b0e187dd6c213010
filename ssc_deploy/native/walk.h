/* Goes through a box of numbers, one run of the last axis after the other. */
#ifndef SSC_WALK_H
#define SSC_WALK_H

#include "steps.h"

typedef struct ssc_walk {
    int32_t operands;
    int32_t outer;             /* axes but the last */
    const int32_t *size;
    const int32_t *strides[4];
    int32_t n;                 /* floats of a run */
    ptrdiff_t by[4];           /* stride of each operand in a run */
    int32_t index[SSC_RANK];
    ptrdiff_t at[4];           /* where the run of each operand begins */
} ssc_walk;

/* Begin; returns 0 where the box is empty. `strides` has a list for each operand. */
static inline int ssc_walk_begin(ssc_walk *walk, const ssc_sizes *sizes, int32_t operands, const int32_t *const *strides)
{
    walk->operands = operands;
    walk->outer = sizes->rank > 0 ? sizes->rank - 1 : 0;
    walk->size = sizes->size;
    walk->n = sizes->rank > 0 ? sizes->size[sizes->rank - 1] : 1;
    for (int32_t i = 0; i < SSC_RANK; i++)
        walk->index[i] = 0;
    for (int32_t o = 0; o < operands; o++) {
        walk->strides[o] = strides[o];
        walk->by[o] = sizes->rank > 0 ? strides[o][sizes->rank - 1] : 0;
        walk->at[o] = 0;
    }
    for (int32_t i = 0; i < sizes->rank; i++)
        if (sizes->size[i] == 0)
            return 0;
    return 1;
}

/* Go on to the next run; returns 0 behind the last one. */
static inline int ssc_walk_next(ssc_walk *walk)
{
    for (int32_t axis = walk->outer - 1; axis >= 0; axis--) {
        if (++walk->index[axis] < walk->size[axis]) {
            for (int32_t o = 0; o < walk->operands; o++)
                walk->at[o] += walk->strides[o][axis];
            return 1;
        }
        walk->index[axis] = 0;
        for (int32_t o = 0; o < walk->operands; o++)
            walk->at[o] -= (ptrdiff_t)walk->strides[o][axis] * (walk->size[axis] - 1);
    }
    return 0;
}

#endif
