/* The kernels for ARMv8 processors, all of which have NEON with fused multiply-add. */
#include "sets.h"

#ifdef SSC_BUILD_NEON

#include <arm_neon.h>
#include <float.h>

typedef float32x4_t vec;
enum { LANES = 4 };
/* 32 registers: 24 sums, 4 inputs and 2 of weights, multiplied by lane. */
enum { VECTORS_6 = 4, VECTORS_3 = 4, VECTORS_1 = 8 };

SSC_INLINE vec vec_zero(void) { return vdupq_n_f32(0); }
SSC_INLINE vec vec_splat(const float *p) { return vld1q_dup_f32(p); }
SSC_INLINE vec vec_load(const float *p) { return vld1q_f32(p); }
SSC_INLINE void vec_store(float *p, vec v) { vst1q_f32(p, v); }
SSC_INLINE vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
SSC_INLINE vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
SSC_INLINE vec vec_multiply(vec a, vec b) { return vmulq_f32(a, b); }
SSC_INLINE vec vec_and(vec a, vec b)
{
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a), vreinterpretq_u32_f32(b)));
}
/* Comparisons instead of fmax and fmin, which make +0 of -0. */
SSC_INLINE vec vec_at_least(vec v, vec low) { return vbslq_f32(vcltq_f32(v, low), low, v); }
SSC_INLINE vec vec_at_most(vec v, vec high) { return vbslq_f32(vcgtq_f32(v, high), high, v); }

/* Of 0 to 4 floats. */
SSC_INLINE vec vec_load_part(const float *p, int32_t count)
{
    if (count >= 4)
        return vec_load(p);
    vec v = vec_zero();
    if (count == 1)
        return vld1q_lane_f32(p, v, 0);
    if (count >= 2)
        v = vcombine_f32(vld1_f32(p), vdup_n_f32(0));
    return count == 3 ? vld1q_lane_f32(p + 2, v, 2) : v;
}

SSC_INLINE void vec_store_part(float *p, vec v, int32_t count)
{
    if (count >= 4) {
        vec_store(p, v);
    } else if (count == 1) {
        vst1q_lane_f32(p, v, 0);
    } else if (count >= 2) {
        vst1_f32(p, vget_low_f32(v));
        if (count == 3)
            vst1q_lane_f32(p + 2, v, 2);
    }
}

/* Of a = p[0..3] and b = p[3..6], the lanes p[0], p[2], p[4], p[6]. */
SSC_INLINE vec every_other(vec a, vec b) { return vuzp1q_f32(a, vextq_f32(b, b, 1)); }

SSC_INLINE vec vec_load_every_other(const float *p) { return every_other(vec_load(p), vec_load(p + 3)); }

/* The first `count` lanes, from p[0] .. p[2 * count - 2]. */
SSC_INLINE vec vec_load_every_other_part(const float *p, int32_t count)
{
    return every_other(vec_load_part(p, 2 * count - 1), count > 2 ? vec_load_part(p + 3, 2 * count - 4) : vec_zero());
}

/* One product of a block of 6 rows: its weights fill one and a half registers, and each is multiplied by lane. */
#define STEP_OF_6(N, partial, sum, weights, input, part)                                                               \
    const float32x4_t w0 = vld1q_f32(weights);                                                                         \
    const float32x2_t w1 = vld1_f32((weights) + 4);                                                                    \
    SSC_UNROLL for (int v = 0; v < (N); v++)                                                                           \
    {                                                                                                                  \
        const vec value = load_last((partial) && v == (N)-1, (input) + v * LANES, part);                               \
        sum[0][v] = vfmaq_laneq_f32(sum[0][v], value, w0, 0);                                                          \
        sum[1][v] = vfmaq_laneq_f32(sum[1][v], value, w0, 1);                                                          \
        sum[2][v] = vfmaq_laneq_f32(sum[2][v], value, w0, 2);                                                          \
        sum[3][v] = vfmaq_laneq_f32(sum[3][v], value, w0, 3);                                                          \
        sum[4][v] = vfmaq_lane_f32(sum[4][v], value, w1, 0);                                                           \
        sum[5][v] = vfmaq_lane_f32(sum[5][v], value, w1, 1);                                                           \
    }

#include "body_rows.h"

#include "body_depthwise.h"

#include "body_elementwise.h"

const ssc_kernels ssc_neon_kernels = {"neon", rows, depthwise, sums, add, multiply, clip, halve};

#endif

typedef int ssc_neon_is_not_empty; /* C asks for something in each file, on every processor */
