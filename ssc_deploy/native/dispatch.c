/* Which instruction set this processor has. */
#include "sets.h"

#ifdef SSC_BUILD_X86
#include <cpuid.h>

/* Whether the processor has AVX2 and FMA or AVX-512F, and the system keeps their registers for each thread. */
static int x86_has(ssc_set set)
{
    enum { FMA = 1 << 12, OSXSAVE = 1 << 27, AVX = 1 << 28, AVX2 = 1 << 5, AVX512F = 1 << 16 };
    enum { YMM = 0x06, ZMM = 0xE6 }; /* of the extended control register 0 */
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & (FMA | OSXSAVE | AVX)) != (FMA | OSXSAVE | AVX))
        return 0;
    unsigned kept, above;
    __asm__ volatile("xgetbv" : "=a"(kept), "=d"(above) : "c"(0));
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;
    if (set == SSC_AVX512)
        return (b & AVX512F) && (kept & ZMM) == ZMM;
    return (b & AVX2) && (kept & YMM) == YMM;
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
        return x86_has(set) ? &ssc_avx2_kernels : NULL;
    case SSC_AVX512:
        return x86_has(set) ? &ssc_avx512_kernels : NULL;
#endif
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
