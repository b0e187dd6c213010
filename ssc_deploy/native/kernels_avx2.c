/* The kernels for x86-64 processors with AVX2 and FMA. */
#include "sets.h"

#ifdef SSC_BUILD_X86

#include <float.h>
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

typedef __m256 vec;
enum { LANES = 8 };
/* 16 registers: 12 sums, 2 inputs and 1 weight; or 12 sums, 3 weights and 1 input. */
enum { VECTORS_6 = 2, VECTORS_3 = 4, VECTORS_1 = 8 };
#define HAS_PAIRS

/* All bits set in the first `count` lanes. */
SSC_INLINE __m256i first_lanes(int32_t count)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

SSC_INLINE vec vec_zero(void) { return _mm256_setzero_ps(); }
SSC_INLINE vec vec_splat(const float *p) { return _mm256_broadcast_ss(p); }
SSC_INLINE vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
SSC_INLINE void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
SSC_INLINE vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
SSC_INLINE vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
SSC_INLINE vec vec_multiply(vec a, vec b) { return _mm256_mul_ps(a, b); }
SSC_INLINE vec vec_and(vec a, vec b) { return _mm256_and_ps(a, b); }
/* maxps and minps give their second operand where one is NaN and where both are zeros: exactly v < low ? low : v. */
SSC_INLINE vec vec_at_least(vec v, vec low) { return _mm256_max_ps(low, v); }
SSC_INLINE vec vec_at_most(vec v, vec high) { return _mm256_min_ps(high, v); }

/* Of 0 to 8 floats. A load by a mask touches no float outside it. */
SSC_INLINE vec vec_load_part(const float *p, int32_t count) { return _mm256_maskload_ps(p, first_lanes(count)); }

/* Stores by a mask are slow on AMD's processors. */
SSC_INLINE void vec_store_part(float *p, vec v, int32_t count)
{
    __m128 half = _mm256_castps256_ps128(v);
    if (count & 8) {
        vec_store(p, v);
        return;
    }
    if (count & 4) {
        _mm_storeu_ps(p, half);
        half = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)(void *)p, half);
        half = _mm_movehl_ps(half, half);
        p += 2;
    }
    if (count & 1)
        _mm_store_ss(p, half);
}

/* Of a = p[0..7] and b = p[7..14], the lanes p[0], p[2] .. p[14]. */
SSC_INLINE vec every_other(vec a, vec b)
{
    const __m256 mixed = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 2, 0));
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(mixed), _MM_SHUFFLE(3, 1, 2, 0)));
}

SSC_INLINE vec vec_load_every_other(const float *p) { return every_other(vec_load(p), vec_load(p + 7)); }

/* The first `count` lanes, from p[0] .. p[2 * count - 2]. */
SSC_INLINE vec vec_load_every_other_part(const float *p, int32_t count)
{
    return every_other(vec_load_part(p, 2 * count - 1), count > 4 ? vec_load_part(p + 7, 2 * count - 8) : vec_zero());
}

#include "body_rows.h"

#include "body_depthwise.h"

#include "body_elementwise.h"

const ssc_kernels ssc_avx2_kernels = {"avx2", rows, depthwise, sums, add, multiply, clip, halve};

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

typedef int ssc_avx2_is_not_empty; /* C asks for something in each file, on every processor */
