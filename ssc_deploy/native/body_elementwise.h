/* Sums, and elementwise functions (see kernels.h), on vectors. A file of an instruction set includes this text once,
 * after the names that body_rows.h asks for. */

enum { SUM_LANES = 16, SUM_VECTORS = SUM_LANES / LANES };

static void sums(const ssc_sums *shape, const float *x, float *y)
{
    for (int32_t i = 0; i < shape->m; i++) {
        vec sum[SUM_VECTORS];
        SSC_UNROLL for (int v = 0; v < SUM_VECTORS; v++) sum[v] = vec_zero();
        for (int32_t tile = 0; tile < shape->tiles; tile++) {
            const float *p = x + tile * shape->x_step + shape->in[i];
            int32_t left = shape->n;
            for (; left >= SUM_LANES; left -= SUM_LANES, p += SUM_LANES)
                SSC_UNROLL for (int v = 0; v < SUM_VECTORS; v++) sum[v] = vec_add(sum[v], vec_load(p + v * LANES));
            /* Lanes without a float add +0, which changes no bit: a sum that began with +0 is never -0. */
            SSC_UNROLL for (int v = 0; v < SUM_VECTORS; v++, left -= LANES, p += LANES)
                if (left > 0)
                    sum[v] = vec_add(sum[v], vec_load_part(p, left < LANES ? left : LANES));
        }
        float lane[SUM_LANES];
        SSC_UNROLL for (int v = 0; v < SUM_VECTORS; v++) vec_store(lane + v * LANES, sum[v]);
        for (int half = SUM_LANES / 2; half; half /= 2)
            for (int l = 0; l < half; l++)
                lane[l] += lane[l + half];
        y[i] = lane[0] / shape->divisor;
    }
}

/* y[s] = clip(VALUE), where VALUE is made of vec_load of each input, or of what is left of it. */
#define SSC_ELEMENTWISE(VALUE)                                                                                         \
    const vec least = vec_splat(&low), most = vec_splat(&high);                                                        \
    ptrdiff_t s = 0;                                                                                                   \
    for (; s + LANES <= n; s += LANES) {                                                                               \
        const int partial = 0;                                                                                         \
        const int32_t part = LANES;                                                                                    \
        vec_store(y + s, vec_at_most(vec_at_least(VALUE, least), most));                                               \
    }                                                                                                                  \
    if (s < n) {                                                                                                       \
        const int partial = 1;                                                                                         \
        const int32_t part = (int32_t)(n - s);                                                                         \
        vec_store_part(y + s, vec_at_most(vec_at_least(VALUE, least), most), part);                                    \
    }

static void add(ptrdiff_t n, const float *a, const float *b, float low, float high, float *y)
{
    SSC_ELEMENTWISE(vec_add(load_last(partial, a + s, part), load_last(partial, b + s, part)))
}

static void multiply(ptrdiff_t n, const float *a, const float *b, float low, float high, float *y)
{
    SSC_ELEMENTWISE(vec_multiply(load_last(partial, a + s, part), load_last(partial, b + s, part)))
}

static void clip(ptrdiff_t n, const float *a, float low, float high, float *y)
{
    SSC_ELEMENTWISE(load_last(partial, a + s, part))
}

#undef SSC_ELEMENTWISE

static void halve(ptrdiff_t n, const float *x, float *y)
{
    ptrdiff_t s = 0;
    for (; s + LANES <= n; s += LANES)
        vec_store(y + s, vec_load_every_other(x + 2 * s));
    if (s < n)
        vec_store_part(y + s, vec_load_every_other_part(x + 2 * s, (int32_t)(n - s)), (int32_t)(n - s));
}
