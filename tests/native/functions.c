/* The functions of functions.h for arrays, for a test. */
#include <stddef.h>

#include "functions.h"

#define EACH(name)                                                                                                     \
    void name(const double *x, double *y, size_t n)                                                                    \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++)                                                                                 \
            y[i] = ssc_##name(x[i]);                                                                                   \
    }

EACH(exp)
EACH(log)
EACH(sigmoid)
EACH(tanh)
EACH(log1p)
EACH(expm1)
EACH(erf)
EACH(sqrt)
EACH(floor)

void power(const double *x, double *y, size_t n, double exponent)
{
    for (size_t i = 0; i < n; i++)
        y[i] = ssc_power(x[i], exponent);
}
