/* The kernels in plain C, for any compiler and processor. The other sets are held to their bits. */
#include "kernels.h"

#include "fma_scalar.h"
#include "sets.h"

static inline float clipped(float v, float low, float high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

static void rows(const ssc_rows *shape, const float *weights, const float *x, const float *addend, float *y)
{
    const int32_t m = shape->m, k = shape->k, n = shape->n;
    for (int32_t tile = 0; tile < shape->tiles; tile++) {
        const float *block = weights;
        const float *inputs = x + tile * shape->x_step;
        int32_t first = 0;
        while (first < m) {
            const int32_t height = ssc_block_of(m - first);
            for (int32_t r = 0; r < height; r++) {
                float *result = y + tile * shape->y_step + shape->out[first + r];
                const float *added = shape->add ? addend + tile * shape->add_step + shape->add[first + r] : NULL;
                const uint32_t *mask =
                    shape->masks ? shape->masks + tile * shape->mask_step + shape->mask[first + r] : NULL;
                for (int32_t s = 0; s < n; s++) {
                    float v = block[r];
                    const float *w = block + height + r;
                    for (int32_t j = 0; j < k; j++, w += height)
                        v = ssc_fma(*w, inputs[shape->in[j] + s], v);
                    if (added)
                        v += added[s];
                    v = clipped(v, shape->low, shape->high);
                    result[s] = mask && !mask[s] ? 0.0F : v;
                }
            }
            block += ssc_rows_packed(height, k);
            first += height;
        }
    }
}

static void depthwise(const ssc_depthwise *shape, const float *weights, const float *x, float *y)
{
    for (int32_t c = 0; c < shape->channels; c++, weights += shape->taps + 1)
        for (int32_t i = 0; i < shape->rows; i++) {
            const float *inputs = x + shape->in[c] + (ptrdiff_t)i * shape->stride * shape->x_pitch;
            float *result = y + shape->out[c] + (ptrdiff_t)i * shape->y_pitch;
            for (int32_t j = 0; j < shape->columns; j++, inputs += shape->stride) {
                float v = weights[0];
                for (int32_t t = 0; t < shape->taps; t++)
                    v = ssc_fma(weights[1 + t], inputs[shape->tap[t]], v);
                result[j] = clipped(v, shape->low, shape->high);
            }
        }
}

static void sums(const ssc_sums *shape, const float *x, float *y)
{
    for (int32_t i = 0; i < shape->m; i++) {
        float lane[16] = {0};
        for (int32_t tile = 0; tile < shape->tiles; tile++) {
            const float *row = x + tile * shape->x_step + shape->in[i];
            for (int32_t s = 0; s < shape->n; s++)
                lane[s % 16] += row[s];
        }
        for (int32_t half = 8; half; half /= 2)
            for (int32_t l = 0; l < half; l++)
                lane[l] += lane[l + half];
        y[i] = lane[0] / shape->divisor;
    }
}

static void add(ptrdiff_t n, const float *a, const float *b, float low, float high, float *y)
{
    for (ptrdiff_t s = 0; s < n; s++)
        y[s] = clipped(a[s] + b[s], low, high);
}

static void multiply(ptrdiff_t n, const float *a, const float *b, float low, float high, float *y)
{
    for (ptrdiff_t s = 0; s < n; s++)
        y[s] = clipped(a[s] * b[s], low, high);
}

static void clip(ptrdiff_t n, const float *a, float low, float high, float *y)
{
    for (ptrdiff_t s = 0; s < n; s++)
        y[s] = clipped(a[s], low, high);
}

static void halve(ptrdiff_t n, const float *x, float *y)
{
    for (ptrdiff_t s = 0; s < n; s++)
        y[s] = x[2 * s];
}

const ssc_kernels ssc_scalar_kernels = {"scalar", rows, depthwise, sums, add, multiply, clip, halve};
