/* Products of computed matrices, and weighted sums along one axis. They add exact products in double, in order. */
#include "generic.h"
#include "walk.h"

void ssc_matmul(const ssc_matmul_step *step, const float *a, const float *b, float *y)
{
    /* Columns at a time, so that rows of b are read along. */
    enum { WIDTH = 16 };
    ssc_walk walk;
    const int32_t *strides[3];
    strides[0] = step->a_strides;
    strides[1] = step->b_strides;
    strides[2] = step->y_strides;
    if (!ssc_walk_begin(&walk, &step->sizes, 3, strides))
        return;
    do
        for (int32_t o = 0; o < walk.n; o++) {
            const float *left = a + walk.at[0] + o * walk.by[0];
            const float *right = b + walk.at[1] + o * walk.by[1];
            float *result = y + walk.at[2] + o * walk.by[2];
            for (int32_t i = 0; i < step->m; i++)
                for (int32_t first = 0; first < step->n; first += WIDTH) {
                    const int32_t width = step->n - first < WIDTH ? step->n - first : WIDTH;
                    double sum[WIDTH] = {0};
                    for (int32_t k = 0; k < step->k; k++) {
                        const double factor = (double)left[(ptrdiff_t)i * step->ai + (ptrdiff_t)k * step->ak];
                        const float *row = right + (ptrdiff_t)k * step->bk + (ptrdiff_t)first * step->bj;
                        for (int32_t j = 0; j < width; j++)
                            sum[j] += factor * (double)row[(ptrdiff_t)j * step->bj];
                    }
                    for (int32_t j = 0; j < width; j++)
                        result[(ptrdiff_t)i * step->yi + (ptrdiff_t)(first + j) * step->yj] = (float)sum[j];
                }
        }
    while (ssc_walk_next(&walk));
}

void ssc_sample(const ssc_sample_step *step, const int32_t *index, const float *weights, const float *x, float *y)
{
    ssc_walk walk;
    ssc_sizes rest;
    const int32_t *strides[2];
    rest.rank = step->sizes.rank - 1;
    rest.size = step->sizes.size + 1;
    strides[0] = step->x_strides + 1;
    strides[1] = step->y_strides + 1;
    for (int32_t i = 0; i < step->sizes.size[0]; i++, index += step->taps, weights += step->taps) {
        if (!ssc_walk_begin(&walk, &rest, 2, strides))
            return;
        do
            for (int32_t j = 0; j < walk.n; j++) {
                double sum = 0;
                for (int32_t t = 0; t < step->taps; t++)
                    sum += (double)weights[t] *
                           (double)x[(ptrdiff_t)index[t] * step->x_strides[0] + walk.at[0] + j * walk.by[0]];
                y[(ptrdiff_t)i * step->y_strides[0] + walk.at[1] + j * walk.by[1]] = (float)sum;
            }
        while (ssc_walk_next(&walk));
    }
}
