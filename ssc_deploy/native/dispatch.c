/* Which instruction set this processor has. */
#include "sets.h"

const ssc_kernels *ssc_kernels_for(ssc_set set)
{
    switch (set) {
    case SSC_SCALAR:
        return &ssc_scalar_kernels;
    default:
        return NULL;
    }
}

const ssc_kernels *ssc_kernels_best(void)
{
    for (int set = SSC_SETS - 1; set > SSC_SCALAR; set--) {
        const ssc_kernels *kernels = ssc_kernels_for((ssc_set)set);
        if (kernels)
            return kernels;
    }
    return &ssc_scalar_kernels;
}
