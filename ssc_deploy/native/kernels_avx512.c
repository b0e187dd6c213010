/* The kernels for x86-64 processors with AVX-512. They need its foundation (F) alone. */
#include "sets.h"

#ifdef SSC_BUILD_X86

#include <float.h>
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f")
#endif

typedef __m512 vec;
enum { LANES = 16 };
/* 32 registers: 24 sums, 4 inputs and 1 weight; with 3 rows, 12 sums are enough to hide an addition's latency. */
enum { VECTORS_6 = 4, VECTORS_3 = 4, VECTORS_1 = 8 };
#define VECTORS_9 2
#define HAS_PAIRS

/* All of the first `count` lanes. */
SSC_INLINE __mmask16 first_lanes(int32_t count) { return (__mmask16)(count < 16 ? (1U << count) - 1U : 0xFFFFU); }

SSC_INLINE vec vec_zero(void) { return _mm512_setzero_ps(); }
SSC_INLINE vec vec_splat(const float *p) { return _mm512_set1_ps(*p); }
SSC_INLINE vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
SSC_INLINE void vec_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
SSC_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
SSC_INLINE vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
SSC_INLINE vec vec_multiply(vec a, vec b) { return _mm512_mul_ps(a, b); }
SSC_INLINE vec vec_and(vec a, vec b)
{
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a), _mm512_castps_si512(b)));
}
/* maxps and minps give their second operand where one is NaN and where both are zeros: exactly v < low ? low : v. */
SSC_INLINE vec vec_at_least(vec v, vec low) { return _mm512_max_ps(low, v); }
SSC_INLINE vec vec_at_most(vec v, vec high) { return _mm512_min_ps(high, v); }

/* Of 0 to 16 floats. Loads and stores by a mask touch no float outside it. */
SSC_INLINE vec vec_load_part(const float *p, int32_t count) { return _mm512_maskz_loadu_ps(first_lanes(count), p); }
SSC_INLINE void vec_store_part(float *p, vec v, int32_t count) { _mm512_mask_storeu_ps(p, first_lanes(count), v); }

/* 6 floats: half a vector is loaded, which lies in one line of the cache more often than a whole one. */
#define HAS_LOAD_6
SSC_INLINE vec load_of_6(const float *p, int v)
{
    (void)v;
    return _mm512_zextps256_ps512(_mm256_maskload_ps(p, _mm256_setr_epi32(-1, -1, -1, -1, -1, -1, 0, 0)));
}

/* Of a = p[0..15] and b = p[15..30], the lanes p[0], p[2] .. p[30]. */
SSC_INLINE vec every_other(vec a, vec b)
{
    const __m512i lanes = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
    return _mm512_permutex2var_ps(a, lanes, b);
}

SSC_INLINE vec vec_load_every_other(const float *p) { return every_other(vec_load(p), vec_load(p + 15)); }

/* The first `count` lanes, from p[0] .. p[2 * count - 2]. */
SSC_INLINE vec vec_load_every_other_part(const float *p, int32_t count)
{
    return every_other(vec_load_part(p, 2 * count - 1),
                       count > 8 ? vec_load_part(p + 15, 2 * count - 16) : vec_zero());
}

#include "body_rows.h"

#include "body_depthwise.h"

#include "body_elementwise.h"

const ssc_kernels ssc_avx512_kernels = {"avx512", rows, depthwise, sums, add, multiply, clip, halve};

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

typedef int ssc_avx512_is_not_empty; /* C asks for something in each file, on every processor */
