/* Divides the work of a kernel among threads. */
#include "parallel.h"

/* Multiply-adds that a thread needs at least, so that waking it costs less than it saves: some 3 microseconds. */
static const double WORTH = 100000;

enum {
    STRIP = 64,   /* columns that a kernel passes over at once */
    COLUMNS = 16, /* columns of a register tile */
    BLOCK = 6     /* rows of a register tile, and of a block of packed weights */
};

/* The begin of part i of `count` parts of `size` units. */
static int32_t begin_of(int32_t size, int32_t i, int32_t count) { return (int32_t)((int64_t)size * i / count); }

static int32_t units(int32_t size, int32_t unit) { return size / unit + (size % unit != 0); }

static int32_t at_most(int32_t value, int32_t most) { return value < most ? value : most; }

/* How many threads share work of `macs` multiply-adds. */
static int32_t threads_for(const ssc_parallel *parallel, double macs)
{
    if (!parallel || parallel->threads < 2)
        return 1;
    const double worth = macs / WORTH;
    return worth < parallel->threads ? at_most((int32_t)worth, parallel->threads) : parallel->threads;
}

/* What the work is divided by. Columns come first: what one thread writes is then what it reads in the next layer. */
typedef enum division { BY_TILES, BY_COLUMNS, BY_GROUPS, BY_ROWS } division;

typedef struct rows_work {
    const ssc_kernels *kernels;
    const ssc_rows *shape;
    const float *weights, *x, *addend;
    float *y;
    int32_t groups, parts;
    division by;
} rows_work;

static void rows_of_range(const rows_work *work, int32_t first, int32_t behind, const ssc_rows *shape,
                          const float *weights, const float *x, const float *addend, float *y)
{
    ssc_rows group = *shape;
    for (int32_t g = first; g < behind; g++) {
        group.in = shape->in + (ptrdiff_t)g * work->shape->k;
        group.out = shape->out + (ptrdiff_t)g * work->shape->m;
        group.add = shape->add ? shape->add + (ptrdiff_t)g * work->shape->m : NULL;
        group.mask = shape->mask ? shape->mask + (ptrdiff_t)g * work->shape->m : NULL;
        work->kernels->rows(&group, weights + (size_t)g * ssc_rows_packed(work->shape->m, work->shape->k), x, addend, y);
    }
}

static void rows_part(void *argument, int32_t i)
{
    const rows_work *work = argument;
    const float *weights = work->weights, *x = work->x, *addend = work->addend;
    float *y = work->y;
    ssc_rows shape = *work->shape;
    int32_t first = 0, behind = work->groups;
    switch (work->by) {
    case BY_TILES: {
        const int32_t tile = begin_of(shape.tiles, i, work->parts);
        shape.tiles = begin_of(shape.tiles, i + 1, work->parts) - tile;
        x += tile * shape.x_step;
        y += tile * shape.y_step;
        if (shape.add)
            addend += tile * shape.add_step;
        if (shape.masks)
            shape.masks += tile * shape.mask_step;
        break;
    }
    case BY_COLUMNS: {
        const int32_t all = units(shape.n, COLUMNS);
        const int32_t column = begin_of(all, i, work->parts) * COLUMNS;
        shape.n = at_most(begin_of(all, i + 1, work->parts) * COLUMNS, shape.n) - column;
        x += column;
        y += column;
        if (shape.add)
            addend += column;
        if (shape.masks)
            shape.masks += column;
        break;
    }
    case BY_GROUPS:
        first = begin_of(work->groups, i, work->parts);
        behind = begin_of(work->groups, i + 1, work->parts);
        break;
    case BY_ROWS: { /* of the only group */
        const int32_t all = units(shape.m, BLOCK), row = begin_of(all, i, work->parts) * BLOCK;
        shape.m = at_most(begin_of(all, i + 1, work->parts) * BLOCK, shape.m) - row;
        weights += ssc_rows_packed(row, shape.k);
        shape.out += row;
        if (shape.add)
            shape.add += row;
        if (shape.mask)
            shape.mask += row;
    }
    }
    rows_of_range(work, first, behind, &shape, weights, x, addend, y);
}

void ssc_rows_of_groups(const ssc_kernels *kernels, const ssc_parallel *parallel, int32_t groups, const ssc_rows *shape,
                        const float *weights, const float *x, const float *addend, float *y)
{
    rows_work work = {kernels, shape, weights, x, addend, y, groups, 1, BY_GROUPS};
    const double macs = (double)groups * shape->m * shape->k * shape->n * shape->tiles;
    const int32_t threads = threads_for(parallel, macs);
    const int32_t limits[] = {shape->tiles, units(shape->n, COLUMNS), groups, groups == 1 ? units(shape->m, BLOCK) : 1};
    if (threads > 1) {
        if (shape->tiles % threads == 0)
            work.by = BY_TILES;
        else if (shape->n >= threads * STRIP)
            work.by = BY_COLUMNS;
        else if (groups >= threads)
            work.by = BY_GROUPS;
        else
            work.by = limits[BY_ROWS] > limits[BY_COLUMNS] ? BY_ROWS : BY_COLUMNS;
        work.parts = at_most(threads, limits[work.by]);
    }
    if (work.parts > 1)
        parallel->run(parallel->context, work.parts, rows_part, &work);
    else
        rows_of_range(&work, 0, groups, shape, weights, x, addend, y);
}

typedef struct depthwise_work {
    const ssc_kernels *kernels;
    const ssc_depthwise *shape;
    const float *weights, *x;
    float *y;
    int32_t parts;
} depthwise_work;

static void depthwise_part(void *argument, int32_t i)
{
    const depthwise_work *work = argument;
    ssc_depthwise shape = *work->shape;
    const int32_t first = begin_of(shape.channels, i, work->parts);
    shape.channels = begin_of(shape.channels, i + 1, work->parts) - first;
    shape.in += first;
    shape.out += first;
    work->kernels->depthwise(&shape, work->weights + (ptrdiff_t)first * (shape.taps + 1), work->x, work->y);
}

void ssc_depthwise_of_channels(const ssc_kernels *kernels, const ssc_parallel *parallel, const ssc_depthwise *shape,
                               const float *weights, const float *x, float *y)
{
    const double macs = (double)shape->channels * shape->taps * shape->rows * shape->columns;
    depthwise_work work = {kernels, shape, weights, x, y, 1};
    work.parts = at_most(threads_for(parallel, macs), shape->channels);
    if (work.parts > 1)
        parallel->run(parallel->context, work.parts, depthwise_part, &work);
    else
        kernels->depthwise(shape, weights, x, y);
}
