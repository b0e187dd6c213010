/* The mean or the largest number of each window of an image. */
#include "generic.h"

typedef struct window {
    int32_t first, count; /* taps inside the image */
    int32_t counted;      /* taps inside the image and its padding */
} window;

/* The taps of one axis that lie inside, for the window that begins at `start`. */
static window taps(int32_t start, int32_t taps_of, int32_t dilation, int32_t size, int32_t padding)
{
    window found = {0, 0, 0};
    for (int32_t t = 0; t < taps_of; t++) {
        const int64_t at = start + (int64_t)t * dilation;
        if (at < (int64_t)size + padding)
            found.counted++;
        if (at < 0 || at >= size)
            continue;
        if (!found.count)
            found.first = t;
        found.count++;
    }
    return found;
}

void ssc_pool(const ssc_pool_step *step, const float *x, float *y)
{
    for (int32_t n = 0; n < step->n; n++)
        for (int32_t c = 0; c < step->c; c++)
            for (int32_t i = 0; i < step->oh; i++) {
                const int32_t row = i * step->strides[0] - step->top;
                const window down = taps(row, step->kh, step->dilations[0], step->h, step->bottom);
                for (int32_t j = 0; j < step->ow; j++) {
                    const int32_t column = j * step->strides[1] - step->left;
                    const window across = taps(column, step->kw, step->dilations[1], step->w, step->right);
                    const float *from = x + (ptrdiff_t)n * step->x_strides[0] + (ptrdiff_t)c * step->x_strides[1];
                    double sum = 0;
                    float most = -__builtin_inff();
                    for (int32_t p = down.first; p < down.first + down.count; p++)
                        for (int32_t q = across.first; q < across.first + across.count; q++) {
                            const float v = from[(ptrdiff_t)(row + p * step->dilations[0]) * step->x_strides[2] +
                                                 (ptrdiff_t)(column + q * step->dilations[1]) * step->x_strides[3]];
                            sum += (double)v;
                            most = v > most || v != v ? v : most;
                        }
                    const int32_t count =
                        step->counted ? down.counted * across.counted : down.count * across.count;
                    y[(ptrdiff_t)n * step->y_strides[0] + (ptrdiff_t)c * step->y_strides[1] +
                      (ptrdiff_t)i * step->y_strides[2] + (ptrdiff_t)j * step->y_strides[3]] =
                        step->function == SSC_MOST ? most : (float)(sum / (double)(count ? count : 1));
                }
            }
}
