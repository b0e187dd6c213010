/* The intrinsics of AVX-512 that kernels_avx512.c uses, in plain C, so that its text runs on any processor.
 *
 * Each one does what Intel's guide says of it. Those with a mask touch no memory outside it.
 */
#ifndef AVX512_IN_C_H
#define AVX512_IN_C_H

#include <stdint.h>
#include <string.h>

#include "fma_scalar.h"

typedef struct __m512 {
    float lane[16];
} __m512;
typedef struct __m512i {
    uint32_t lane[16];
} __m512i;
typedef struct __m256 {
    float lane[8];
} __m256;
typedef struct __m256i {
    int32_t lane[8];
} __m256i;
typedef uint16_t __mmask16;

/* Written out in each of the hundreds of places, they would keep the compiler busy for minutes. */
#define OUTLINE static __attribute__((noinline))

#define EACH(TYPE, VALUE)                                                                                              \
    TYPE result;                                                                                                       \
    for (int l = 0; l < 16; l++)                                                                                       \
        result.lane[l] = VALUE;                                                                                        \
    return result;

OUTLINE __m512 _mm512_setzero_ps(void) { EACH(__m512, 0.0F) }
OUTLINE __m512 _mm512_set1_ps(float v) { EACH(__m512, v) }
OUTLINE __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c)
{
    EACH(__m512, ssc_fma(a.lane[l], b.lane[l], c.lane[l]))
}
OUTLINE __m512 _mm512_add_ps(__m512 a, __m512 b) { EACH(__m512, a.lane[l] + b.lane[l]) }
OUTLINE __m512 _mm512_mul_ps(__m512 a, __m512 b) { EACH(__m512, a.lane[l] * b.lane[l]) }
OUTLINE __m512 _mm512_max_ps(__m512 a, __m512 b) { EACH(__m512, a.lane[l] > b.lane[l] ? a.lane[l] : b.lane[l]) }
OUTLINE __m512 _mm512_min_ps(__m512 a, __m512 b) { EACH(__m512, a.lane[l] < b.lane[l] ? a.lane[l] : b.lane[l]) }
OUTLINE __m512i _mm512_and_si512(__m512i a, __m512i b) { EACH(__m512i, a.lane[l] & b.lane[l]) }
OUTLINE __m512i _mm512_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j, int k,
                                        int m, int n, int o, int p, int q)
{
    const int lanes[] = {a, b, c, d, e, f, g, h, i, j, k, m, n, o, p, q};
    EACH(__m512i, (uint32_t)lanes[l])
}
OUTLINE __m512 _mm512_permutex2var_ps(__m512 a, __m512i lanes, __m512 b)
{
    EACH(__m512, lanes.lane[l] & 16 ? b.lane[lanes.lane[l] & 15] : a.lane[lanes.lane[l] & 15])
}
OUTLINE __m512 _mm512_castsi512_ps(__m512i v)
{
    __m512 result;
    memcpy(&result, &v, sizeof v);
    return result;
}
OUTLINE __m512i _mm512_castps_si512(__m512 v)
{
    __m512i result;
    memcpy(&result, &v, sizeof v);
    return result;
}
OUTLINE __m512 _mm512_maskz_loadu_ps(__mmask16 mask, const void *p)
{
    __m512 result = _mm512_setzero_ps();
    for (int l = 0; l < 16; l++)
        if (mask >> l & 1)
            memcpy(&result.lane[l], (const char *)p + 4 * l, 4);
    return result;
}
OUTLINE void _mm512_mask_storeu_ps(void *p, __mmask16 mask, __m512 v)
{
    for (int l = 0; l < 16; l++)
        if (mask >> l & 1)
            memcpy((char *)p + 4 * l, &v.lane[l], 4);
}
OUTLINE __m512 _mm512_loadu_ps(const void *p) { return _mm512_maskz_loadu_ps(0xFFFF, p); }
OUTLINE void _mm512_storeu_ps(void *p, __m512 v) { _mm512_mask_storeu_ps(p, 0xFFFF, v); }
OUTLINE __m256i _mm256_setr_epi32(int a, int b, int c, int d, int e, int f, int g, int h)
{
    return (__m256i){{a, b, c, d, e, f, g, h}};
}
OUTLINE __m256 _mm256_maskload_ps(const float *p, __m256i mask)
{
    __m256 result = {{0}};
    for (int l = 0; l < 8; l++)
        if (mask.lane[l] < 0)
            memcpy(&result.lane[l], p + l, sizeof *p);
    return result;
}
OUTLINE __m512 _mm512_zextps256_ps512(__m256 v)
{
    __m512 result = _mm512_setzero_ps();
    memcpy(&result, &v, sizeof v);
    return result;
}

#undef EACH
#undef OUTLINE

#endif
