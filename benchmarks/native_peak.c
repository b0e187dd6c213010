/* The fused multiply-adds a second that one core can do from registers alone, for each vector width, and the share of it
 * that the linear rows of each instruction set reach. `native_peak.py` compiles and runs it and reads what it prints:
 *
 *   peak SET GMACS                    register-only loop
 *   rows SET SHAPE GMACS SHARE        share of the set's peak
 *
 * Processor time of one thread; of everything the shortest of ROUNDS turns, in which all take part one after the other.
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sets.h"

enum { ROUNDS = 200, STEPS = 20000, TILE = 64, MARGIN = 64, SHAPES = 9 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* CHAINS sums beside each other, each STEPS times multiplied by a factor and added to; it returns their sum. */
#define PEAK(NAME, VECTOR, CHAINS, SPLAT, FMA, FIRST)                                                                  \
    static float NAME(float factor)                                                                                    \
    {                                                                                                                  \
        VECTOR sum[CHAINS];                                                                                            \
        const VECTOR by = SPLAT(factor), one = SPLAT(1.0F);                                                            \
        SSC_UNROLL for (int i = 0; i < (CHAINS); i++) sum[i] = SPLAT((float)i);                                        \
        SSC_ROLLED for (int step = 0; step < STEPS; step++)                                                            \
            SSC_UNROLL for (int i = 0; i < (CHAINS); i++) sum[i] = FMA(sum[i], by, one);                               \
        float total = 0;                                                                                               \
        SSC_UNROLL for (int i = 0; i < (CHAINS); i++) total += FIRST(sum[i]);                                          \
        return total;                                                                                                  \
    }

#ifdef SSC_BUILD_X86
#include <immintrin.h>
#pragma GCC push_options
#pragma GCC target("avx2,fma")
PEAK(peak_avx2, __m256, 12, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32)
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("avx512f")
PEAK(peak_avx512, __m512, 24, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32)
#pragma GCC pop_options
#endif
#ifdef SSC_BUILD_NEON
#include <arm_neon.h>
#define NEON_FMA(a, b, c) vfmaq_f32(c, a, b)
#define NEON_FIRST(v) vgetq_lane_f32(v, 0)
PEAK(peak_neon, float32x4_t, 24, vdupq_n_f32, NEON_FMA, NEON_FIRST)
#endif

typedef struct peak {
    ssc_set set;
    double macs;
    float (*loop)(float);
} peak;

static const peak PEAKS[] = {
#ifdef SSC_BUILD_X86
    {SSC_AVX2, 12.0 * 8 * STEPS, peak_avx2},
    {SSC_AVX512, 24.0 * 16 * STEPS, peak_avx512},
#endif
#ifdef SSC_BUILD_NEON
    {SSC_NEON, 24.0 * 4 * STEPS, peak_neon},
#endif
};
enum { PEAK_COUNT = sizeof PEAKS / sizeof *PEAKS };

/* One layer of SSC-Net-6-9: dense, or groups of 9 channels whose results are planes, or which read shifted planes. */
typedef struct layer {
    const char *name;
    int m, k, groups, tiles;
    enum { DENSE, TO_PLANES, SHIFTED } kind;
} layer;

static const layer LAYERS[SHAPES] = {
    {"dense-81@32x32", 81, 81, 1, 16, DENSE},
    {"dense-162@16x16", 162, 162, 1, 4, DENSE},
    {"dense-324@8x8", 324, 324, 1, 1, DENSE},
    {"groups-of-9-to-planes@32x32", 9, 9, 9, 16, TO_PLANES},
    {"groups-of-9-shifted@32x32", 9, 9, 9, 16, SHIFTED},
    {"groups-of-9-to-planes@8x8", 9, 9, 36, 1, TO_PLANES},
    {"groups-of-9-shifted@8x8", 9, 9, 36, 1, SHIFTED},
    {"groups-of-18@16x16", 18, 18, 9, 4, DENSE},
    {"groups-of-36@8x8", 36, 36, 9, 1, DENSE},
};

/* Tables of a layer: tiles of 64 floats, or flat planes whose rows have TILE * tiles floats and a margin before each. */
static void prepare(const layer *l, ssc_rows *shape, int32_t tables[3][512], uint32_t masks[3 * TILE])
{
    const int width = l->tiles == 16 ? 32 : l->tiles == 4 ? 16 : 8, plane = TILE * l->tiles + MARGIN;
    for (int i = 0; i < 3 * TILE; i++)
        masks[i] = (i / TILE == 0 && i % width == width - 1) || (i / TILE == 2 && i % width == 0) ? 0 : 0xFFFFFFFFU;
    for (int j = 0; j < l->k; j++)
        tables[0][j] = l->kind == SHIFTED ? MARGIN + j * plane + (j / 3 - 1) * width + j % 3 - 1 : j * TILE;
    for (int i = 0; i < l->m; i++) {
        tables[1][i] = l->kind == TO_PLANES ? MARGIN + i * plane : i * TILE;
        tables[2][i] = i % 3 * TILE;
    }
    const ptrdiff_t own_x = (ptrdiff_t)l->k * TILE, own_y = (ptrdiff_t)l->m * TILE;
    *shape = (ssc_rows){.m = l->m,
                        .k = l->k,
                        .n = TILE,
                        .tiles = l->tiles,
                        .x_step = l->kind == SHIFTED ? TILE : own_x,
                        .y_step = l->kind == TO_PLANES ? TILE : own_y,
                        .in = tables[0],
                        .out = tables[1],
                        .mask = tables[2],
                        .masks = l->kind == TO_PLANES ? masks : NULL,
                        .low = 0.0F,
                        .high = INFINITY};
    if (!shape->masks)
        shape->mask = NULL;
}

int main(void)
{
    static float x[1 << 17], y[1 << 17], weights[1 << 17];
    static int32_t tables[SHAPES][3][512];
    static uint32_t masks[SHAPES][3 * TILE];
    static ssc_rows shapes[SHAPES];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = (float)(i % 17) / 17;
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = (float)(i % 13) / 13 - 0.5F;
    for (int i = 0; i < SHAPES; i++)
        prepare(&LAYERS[i], &shapes[i], tables[i], masks[i]);
    double best[PEAK_COUNT][SHAPES + 1];
    float kept = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int p = 0; p < PEAK_COUNT; p++) {
            const ssc_kernels *kernels = ssc_kernels_for(PEAKS[p].set);
            if (!kernels)
                continue;
            for (int i = 0; i <= SHAPES; i++) {
                const double begin = now();
                if (i == SHAPES)
                    kept += PEAKS[p].loop(0.5F);
                else {
                    const size_t row = ssc_rows_packed(LAYERS[i].m, LAYERS[i].k);
                    for (int repeat = 0; repeat < 8; repeat++)
                        for (int g = 0; g < LAYERS[i].groups; g++)
                            kernels->rows(&shapes[i], weights + (size_t)g * row, x, NULL, y);
                }
                const double time = now() - begin;
                best[p][i] = round && best[p][i] < time ? best[p][i] : time;
            }
        }
    for (int p = 0; p < PEAK_COUNT; p++) {
        const ssc_kernels *kernels = ssc_kernels_for(PEAKS[p].set);
        if (!kernels)
            continue;
        const double top = PEAKS[p].macs / best[p][SHAPES];
        printf("peak %s %.2f\n", kernels->name, top);
        for (int i = 0; i < SHAPES; i++) {
            const layer *l = &LAYERS[i];
            const double macs = 8.0 * l->m * l->k * l->groups * l->tiles * TILE, speed = macs / best[p][i];
            printf("rows %s %s %.2f %.3f\n", kernels->name, l->name, speed, speed / top);
        }
    }
    return kept > 1e30F; /* never, and the compiler does not know it */
}
