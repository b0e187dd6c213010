/* Copies of boxes of numbers, and constants in them. */
#include "generic.h"
#include "walk.h"

#include <string.h>

static void run(const ssc_kernels *kernels, int32_t n, ptrdiff_t x_by, ptrdiff_t y_by, const float *x, float *y)
{
    if (x_by == 1 && y_by == 1)
        memcpy(y, x, (size_t)n * sizeof *y);
    else if (x_by == 2 && y_by == 1)
        kernels->halve(n, x, y);
    else
        for (int32_t i = 0; i < n; i++)
            y[i * y_by] = x[i * x_by];
}

static void box(const ssc_kernels *kernels, const ssc_sizes *sizes, const int32_t *x_strides, const int32_t *y_strides,
                const float *x, float *y)
{
    const int32_t *strides[2];
    ssc_walk walk;
    strides[0] = x_strides;
    strides[1] = y_strides;
    if (!ssc_walk_begin(&walk, sizes, 2, strides))
        return;
    do
        run(kernels, walk.n, walk.by[0], walk.by[1], x + walk.at[0], y + walk.at[1]);
    while (ssc_walk_next(&walk));
}

void ssc_move(const ssc_box_step *step, const ssc_kernels *kernels, const int32_t *table, const float *x, float *y)
{
    if (!table) {
        box(kernels, &step->sizes, step->strides[0], step->y_strides, x, y);
        return;
    }
    ssc_sizes rest;
    rest.rank = step->sizes.rank - 1;
    rest.size = step->sizes.size + 1;
    for (int32_t i = 0; i < step->sizes.size[0]; i++)
        box(kernels, &rest, step->strides[0] + 1, step->y_strides + 1, x + table[i],
            y + (ptrdiff_t)i * step->y_strides[0]);
}

void ssc_fill(const ssc_box_step *step, float *y)
{
    ssc_walk walk;
    const int32_t *strides[1];
    strides[0] = step->y_strides;
    if (!ssc_walk_begin(&walk, &step->sizes, 1, strides))
        return;
    do {
        float *to = y + walk.at[0];
        int32_t i = 0;
        if (walk.by[0] == 1)
            for (; i + 4 <= walk.n; i += 4) { /* compilers make one store of four in a row */
                to[i] = step->p;
                to[i + 1] = step->p;
                to[i + 2] = step->p;
                to[i + 3] = step->p;
            }
        for (; i < walk.n; i++)
            to[i * walk.by[0]] = step->p;
    } while (ssc_walk_next(&walk));
}
