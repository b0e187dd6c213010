/* Which instruction set this processor has. */
#include "sets.h"

#ifdef SSC_BUILD_X86
#include <cpuid.h>

/* The sets of this processor whose registers the system keeps for each thread, one bit a set. A virtual machine answers
 * cpuid in tens of microseconds, so it is asked no more often than it must be. */
static unsigned x86_sets(void)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, AVX = 1 << 28, AVX2 = 1 << 5, AVX512F = 1 << 16 };
    enum { YMM = 0x06, ZMM = 0xE6 }; /* of the extended control register 0 */
    unsigned a, b, c, d, kept, above;
    __cpuid(0, a, b, c, d);
    if (a < 7)
        return 0;
    __cpuid(1, a, b, c, d);
    if ((c & (FMA | OSXSAVE | AVX)) != (FMA | OSXSAVE | AVX))
        return 0;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(above) : "c"(0));
    __cpuid_count(7, 0, a, b, c, d);
    return ((b & AVX2) && (kept & YMM) == YMM ? 1U << SSC_AVX2 : 0) |
           ((b & AVX512F) && (kept & ZMM) == ZMM ? 1U << SSC_AVX512 : 0);
}
#endif

const ssc_kernels *ssc_kernels_for(ssc_set set)
{
    switch (set) {
    case SSC_SCALAR:
        return &ssc_scalar_kernels;
#ifdef SSC_BUILD_NEON
    case SSC_NEON: /* each ARMv8 processor has it */
        return &ssc_neon_kernels;
#endif
#ifdef SSC_BUILD_X86
    case SSC_AVX2:
        return x86_sets() >> set & 1 ? &ssc_avx2_kernels : NULL;
    case SSC_AVX512:
        return x86_sets() >> set & 1 ? &ssc_avx512_kernels : NULL;
#endif
    default:
        return NULL;
    }
}

const ssc_kernels *ssc_kernels_best(void)
{
#ifdef SSC_BUILD_NEON
    return &ssc_neon_kernels;
#elif defined(SSC_BUILD_X86)
    const unsigned sets = x86_sets();
    return sets >> SSC_AVX512 & 1 ? &ssc_avx512_kernels : sets >> SSC_AVX2 & 1 ? &ssc_avx2_kernels : &ssc_scalar_kernels;
#else
    return &ssc_scalar_kernels;
#endif
}
