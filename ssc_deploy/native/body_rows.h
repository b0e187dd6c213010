/* Linear rows (see ssc_rows in kernels.h) on vectors. A file of an instruction set includes this text once.
 *
 * A register tile is a block of rows by some vectors. It stays in registers while all its products are added; each
 * step loads the vectors of one input and the weights of one product. A tile is computed strip by strip, so that the
 * inputs of a strip stay in the first cache while all blocks of rows pass over them.
 *
 * The file defines before: vec, LANES, VECTORS_6, VECTORS_3 and VECTORS_1 (the vectors of a register tile by its
 * rows), and the functions vec_*. It may define step_of_6, which adds one product to a tile of 6 rows.
 */

enum {
    STRIP = 64,
    /* The floats of a strip's inputs that stay in the first cache beside weights and results: 16 of its 32 kB. */
    CACHED = 4096
};

/* What a register tile does with its sums. */
enum { ADDS = 1, HAS_LOW = 2, HAS_HIGH = 4, MASKS = 8 };

/* Where a register tile reads and writes. */
typedef struct rows_at {
    const ssc_rows *shape;
    const float *x;         /* of this tile and the first column of the register tile, as are the others */
    const float *addend;
    const uint32_t *masks;
    float *y;
    int work;               /* ADDS | HAS_LOW | HAS_HIGH | MASKS */
    int32_t first;          /* the first row */
    int32_t part;           /* floats of the last vector */
} rows_at;

SSC_INLINE vec load_last(const int partial, const float *p, int32_t part)
{
    return partial ? vec_load_part(p, part) : vec_load(p);
}

/* One register tile of R rows and N vectors. Where `partial` is set, the last vector has at->part floats. */
SSC_INLINE void rows_tile(const int R, const int N, const int partial, const float *weights, const rows_at *at)
{
    const ssc_rows *shape = at->shape;
    const int32_t *in = shape->in;
    const int32_t k = shape->k;
    const float *x = at->x;
    vec sum[6][8];
    SSC_UNROLL for (int r = 0; r < R; r++)
    {
        const vec bias = vec_splat(weights + r);
        SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = bias;
    }
    weights += R;
    SSC_ROLLED for (int32_t j = 0; j < k; j++, weights += R)
    {
        const float *input = x + in[j];
#ifdef STEP_OF_6
        if (R == 6) {
            STEP_OF_6(N, partial, sum, weights, input, at->part)
            continue;
        }
#endif
        if (R < N) { /* the weights stay in registers, inputs come one at a time */
            vec w[6];
            SSC_UNROLL for (int r = 0; r < R; r++) w[r] = vec_splat(weights + r);
            SSC_UNROLL for (int v = 0; v < N; v++)
            {
                const vec value = load_last(partial && v == N - 1, input + v * LANES, at->part);
                SSC_UNROLL for (int r = 0; r < R; r++) sum[r][v] = vec_fma(w[r], value, sum[r][v]);
            }
        } else {
            vec value[8];
            SSC_UNROLL for (int v = 0; v < N; v++)
                value[v] = load_last(partial && v == N - 1, input + v * LANES, at->part);
            SSC_UNROLL for (int r = 0; r < R; r++)
            {
                const vec w = vec_splat(weights + r);
                SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = vec_fma(w, value[v], sum[r][v]);
            }
        }
    }
    if (at->work & ADDS) {
        SSC_UNROLL for (int r = 0; r < R; r++)
        {
            const float *added = at->addend + shape->add[at->first + r];
            SSC_UNROLL for (int v = 0; v < N; v++)
                sum[r][v] = vec_add(sum[r][v], load_last(partial && v == N - 1, added + v * LANES, at->part));
        }
    }
    if (at->work & HAS_LOW) {
        const vec low = vec_splat(&shape->low);
        SSC_UNROLL for (int r = 0; r < R; r++)
            SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = vec_at_least(sum[r][v], low);
    }
    if (at->work & HAS_HIGH) {
        const vec high = vec_splat(&shape->high);
        SSC_UNROLL for (int r = 0; r < R; r++)
            SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = vec_at_most(sum[r][v], high);
    }
    if (at->work & MASKS) {
        SSC_UNROLL for (int r = 0; r < R; r++)
        {
            const float *mask = (const float *)(const void *)(at->masks + shape->mask[at->first + r]);
            SSC_UNROLL for (int v = 0; v < N; v++)
                sum[r][v] = vec_and(sum[r][v], load_last(partial && v == N - 1, mask + v * LANES, at->part));
        }
    }
    SSC_UNROLL for (int r = 0; r < R; r++)
    {
        float *result = at->y + shape->out[at->first + r];
        SSC_UNROLL for (int v = 0; v < N; v++)
        {
            if (partial && v == N - 1)
                vec_store_part(result + v * LANES, sum[r][v], at->part);
            else
                vec_store(result + v * LANES, sum[r][v]);
        }
    }
}

SSC_INLINE void rows_advance(rows_at *at, ptrdiff_t floats)
{
    at->x += floats;
    at->y += floats;
    if (at->work & ADDS)
        at->addend += floats;
    if (at->work & MASKS)
        at->masks += floats;
}

/* One block of R rows over `width` columns: full register tiles of N vectors, then short ones of at most `most`. */
SSC_INLINE void rows_block(const int R, const int N, int32_t width, const float *weights, rows_at at)
{
    for (; width >= N * LANES; width -= N * LANES) {
        rows_tile(R, N, 0, weights, &at);
        rows_advance(&at, N * LANES);
    }
    while (width > 0) {
        const int32_t most = N < 4 ? N : 4; /* not all of 8: each count is code of its own */
        const int32_t needed = (width + LANES - 1) / LANES;
        const int32_t vectors = needed < most ? needed : most;
        const int32_t columns = width < vectors * LANES ? width : vectors * LANES;
        at.part = columns - (vectors - 1) * LANES;
        if (N >= 4 && vectors == 4)
            rows_tile(R, 4, 1, weights, &at);
        else if (N >= 3 && vectors == 3)
            rows_tile(R, 3, 1, weights, &at);
        else if (N >= 2 && vectors == 2)
            rows_tile(R, 2, 1, weights, &at);
        else
            rows_tile(R, 1, 1, weights, &at);
        rows_advance(&at, columns);
        width -= columns;
    }
}

/* The blocks of 6 rows over a strip of `width` columns. Where many products make its inputs larger than the first
 * cache, the strip is cut into narrow ones, each of which passes over all the weights. */
static void rows_blocks_of_6(int32_t width, const float *weights, rows_at at)
{
    const size_t row = (size_t)at.shape->k + 1; /* floats of the weights of one row */
    int32_t narrow = STRIP;
    while (narrow > VECTORS_6 * LANES && narrow * at.shape->k > CACHED)
        narrow /= 2;
    for (int32_t column = 0; column < width; column += narrow) {
        const int32_t columns = width - column < narrow ? width - column : narrow;
        const float *w = weights;
        for (at.first = 0; at.first + 6 <= at.shape->m; at.first += 6, w += 6 * row)
            rows_block(6, VECTORS_6, columns, w, at);
        rows_advance(&at, columns);
    }
}

static void rows(const ssc_rows *shape, const float *weights, const float *x, const float *addend, float *y)
{
    const size_t row = (size_t)shape->k + 1;
    const int work = (shape->add ? ADDS : 0) | (shape->low >= -FLT_MAX ? HAS_LOW : 0) |
                     (shape->high <= FLT_MAX ? HAS_HIGH : 0) | (shape->masks ? MASKS : 0);
    for (int32_t tile = 0; tile < shape->tiles; tile++)
        for (int32_t column = 0; column < shape->n; column += STRIP) {
            const int32_t width = shape->n - column < STRIP ? shape->n - column : STRIP;
            rows_at at = {shape,
                          x + tile * shape->x_step + column,
                          work & ADDS ? addend + tile * shape->add_step + column : NULL,
                          work & MASKS ? shape->masks + tile * shape->mask_step + column : NULL,
                          y + tile * shape->y_step + column,
                          work,
                          0,
                          LANES};
            rows_blocks_of_6(width, weights, at);
            at.first = shape->m - shape->m % 6;
            const float *w = weights + (size_t)at.first * row;
            for (; at.first + 3 <= shape->m; at.first += 3, w += 3 * row)
                rows_block(3, VECTORS_3, width, w, at);
            for (; at.first < shape->m; at.first++, w += row)
                rows_block(1, VECTORS_1, width, w, at);
        }
}
