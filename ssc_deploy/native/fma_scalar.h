/* Fused multiply-add of one float, with one rounding, also where the processor has no such instruction. */
#ifndef SSC_FMA_SCALAR_H
#define SSC_FMA_SCALAR_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#ifdef __FAST_MATH__
#error "The results of this engine are exact to the last bit: compile it without -ffast-math."
#endif

static inline float ssc_fma(float a, float b, float c)
{
#if defined(__FMA__) || defined(__aarch64__) || defined(__ARM_FEATURE_FMA)
    return __builtin_fmaf(a, b, c); /* one instruction, no call of a library */
#else
    /* The product of two floats is exact in a double. The sum is rounded to odd (Boldo and Melquiond, "Emulation of FMA
     * and correctly rounded sums", 2008): a double has more than two bits beyond a float, so the last rounding is then
     * that of the exact sum, for subnormal results as well. */
    _Static_assert(FLT_EVAL_METHOD == 0, "float and double are not computed as such: compile with -msse2 -mfpmath=sse");
    const double product = (double)a * (double)b;
    const double addend = (double)c;
    double sum = product + addend;
    const double part = sum - product;
    const double error = (product - (sum - part)) + (addend - part);
    if (error > 0 || error < 0) { /* neither where the sum is exact, nor where it is NaN or infinite */
        uint64_t bits;
        memcpy(&bits, &sum, sizeof bits);
        if (!(bits & 1)) {
            bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
            memcpy(&sum, &bits, sizeof sum);
        }
    }
    return (float)sum;
#endif
}

#endif
