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

/* Adds one product to the sums of a register tile; see rows_tile. `weights` are those of the first block, `behind` those
 * of the other one. */
SSC_INLINE void rows_product(const int R, const int R1, const int N, const int partial, const float *weights,
                             const float *behind, const float *input, int32_t part, vec sum[12][8])
{
#ifdef STEP_OF_6
    if (R == 6) {
        STEP_OF_6(N, partial, sum, weights, input, part)
        return;
    }
#endif
    if (R < N) { /* the weights stay in registers, inputs come one at a time */
        vec w[6];
        SSC_UNROLL for (int r = 0; r < R; r++) w[r] = vec_splat(weights + r);
        SSC_UNROLL for (int v = 0; v < N; v++)
        {
            const vec value = load_last(partial && v == N - 1, input + v * LANES, part);
            SSC_UNROLL for (int r = 0; r < R; r++) sum[r][v] = vec_fma(w[r], value, sum[r][v]);
        }
    } else {
        vec value[8];
        SSC_UNROLL for (int v = 0; v < N; v++)
            value[v] = load_last(partial && v == N - 1, input + v * LANES, part);
        SSC_UNROLL for (int r = 0; r < R; r++)
        {
            const vec w = vec_splat(r < R1 ? weights + r : behind + (r - R1));
            SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = vec_fma(w, value[v], sum[r][v]);
        }
    }
}

/* One register tile of R rows and N vectors, of a block of R1 rows and, where R1 < R, of the rest in the block behind it.
 * Where `partial` is set, the last vector has at->part floats. */
SSC_INLINE void rows_tile(const int R, const int R1, const int N, const int partial, const float *weights,
                          const rows_at *at)
{
    const ssc_rows *shape = at->shape;
    const int32_t *in = shape->in;
    const int32_t k = shape->k;
    const float *x = at->x;
    const float *behind = weights + R1 * ((ptrdiff_t)k + 1);
    vec sum[12][8];
    SSC_UNROLL for (int r = 0; r < R; r++)
    {
        const vec bias = vec_splat(r < R1 ? weights + r : behind + (r - R1));
        SSC_UNROLL for (int v = 0; v < N; v++) sum[r][v] = bias;
    }
    weights += R1;
    behind += R - R1;
    if (R == 9 && !partial && k == 9) { /* the groups of a shift network: 8 % faster without a loop */
        SSC_UNROLL for (int j = 0; j < 9; j++)
            rows_product(R, R1, N, 0, weights + j * R1, behind + j * (R - R1), x + in[j], 0, sum);
    } else {
        const ptrdiff_t ahead = R * ((ptrdiff_t)k + 1); /* to the weights of the tile behind this one */
        SSC_ROLLED for (int32_t j = 0; j < k; j++, weights += R1, behind += R - R1)
        {
            if (R == 6 || R == 12)
                __builtin_prefetch(weights + ahead, 0, 2);
            if (R == 12)
                __builtin_prefetch(behind + ahead, 0, 2);
            rows_product(R, R1, N, partial, weights, behind, x + in[j], at->part, sum);
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

/* A block of R rows (see rows_tile) over `width` columns: full register tiles of N vectors, then short ones of at most 4.
 */
SSC_INLINE void rows_block(const int R, const int R1, const int N, int32_t width, const float *weights, rows_at at)
{
    for (; width >= N * LANES; width -= N * LANES) {
        rows_tile(R, R1, N, 0, weights, &at);
        rows_advance(&at, N * LANES);
    }
    while (width > 0) {
        const int32_t most = N < 4 ? N : 4; /* not all of 8: each count is code of its own */
        const int32_t needed = (width + LANES - 1) / LANES;
        const int32_t vectors = needed < most ? needed : most;
        const int32_t columns = width < vectors * LANES ? width : vectors * LANES;
        at.part = columns - (vectors - 1) * LANES;
        if (N >= 4 && vectors == 4)
            rows_tile(R, R1, 4, 1, weights, &at);
        else if (N >= 3 && vectors == 3)
            rows_tile(R, R1, 3, 1, weights, &at);
        else if (N >= 2 && vectors == 2)
            rows_tile(R, R1, 2, 1, weights, &at);
        else
            rows_tile(R, R1, 1, 1, weights, &at);
        rows_advance(&at, columns);
        width -= columns;
    }
}

/* The blocks of 6 rows below `behind` over a strip of `width` columns. Where many products make its inputs larger than
 * the first cache, the strip is cut into narrow ones, each of which passes over all the weights. */
static void rows_blocks_of_6(int32_t behind, int32_t width, const float *weights, rows_at at)
{
    const size_t row = (size_t)at.shape->k + 1; /* floats of the weights of one row */
    int32_t narrow = STRIP;
    while (narrow > VECTORS_6 * LANES && narrow * at.shape->k > CACHED)
        narrow /= 2;
    for (int32_t column = 0; column < width; column += narrow) {
        const int32_t columns = width - column < narrow ? width - column : narrow;
        const float *w = weights;
        at.first = 0;
#ifdef HAS_PAIRS
        if (columns <= LANES) { /* one vector: the additions of 6 rows alone would wait for each other */
            at.part = columns;
            for (; at.first + 12 <= behind; at.first += 12, w += 12 * row)
                rows_tile(12, 6, 1, 1, w, &at);
        }
#endif
        for (; at.first < behind; at.first += 6, w += 6 * row)
            rows_block(6, 6, VECTORS_6, columns, w, at);
        rows_advance(&at, columns);
    }
}

/* What a register tile does with its sums, for one float. */
static float rows_finish(const rows_at *at, int32_t i, float v)
{
    const ssc_rows *shape = at->shape;
    if (at->work & ADDS)
        v += at->addend[shape->add[i]];
    v = v < shape->low ? shape->low : v;
    v = v > shape->high ? shape->high : v;
    return at->work & MASKS && !at->masks[shape->mask[i]] ? 0.0F : v;
}

enum {
    SIX = (6 + LANES - 1) / LANES, /* vectors of a block of 6 weights */
    AHEAD = 512                    /* floats from a weight to the one that is fetched with it */
};

#ifndef HAS_LOAD_6
SSC_INLINE vec load_of_6(const float *p, int v)
{
    return v < 6 / LANES ? vec_load(p + v * LANES) : vec_load_part(p + v * LANES, 6 - v * LANES);
}
#endif

/* One column: the rows of B blocks of 6 stand side by side in vectors, so that no lane is idle. */
SSC_INLINE void rows_of_column(const int B, const float *weights, const rows_at *at)
{
    const ptrdiff_t block = 6 * ((ptrdiff_t)at->shape->k + 1);
    vec sum[8][SIX];
    SSC_UNROLL for (int b = 0; b < B; b++)
        SSC_UNROLL for (int v = 0; v < SIX; v++) sum[b][v] = load_of_6(weights + b * block, v);
    SSC_ROLLED for (int32_t j = 0; j < at->shape->k; j++)
    {
        const vec value = vec_splat(at->x + at->shape->in[j]);
        weights += 6;
        if (B > 1) { /* more blocks than the processor follows by itself: it is told what comes next */
            SSC_UNROLL for (int b = 0; b < B; b++) __builtin_prefetch(weights + b * block + AHEAD);
        }
        SSC_UNROLL for (int b = 0; b < B; b++)
            SSC_UNROLL for (int v = 0; v < SIX; v++)
                sum[b][v] = vec_fma(load_of_6(weights + b * block, v), value, sum[b][v]);
    }
    for (int b = 0; b < B; b++) {
        float lane[SIX * LANES];
        SSC_UNROLL for (int v = 0; v < SIX; v++) vec_store(lane + v * LANES, sum[b][v]);
        for (int32_t r = 0, i = at->first + b * 6; r < 6; r++, i++)
            at->y[at->shape->out[i]] = rows_finish(at, i, lane[r]);
    }
}

/* The blocks of 6 rows of a single column. */
static void rows_column(const float *weights, rows_at at)
{
    const size_t row = (size_t)at.shape->k + 1;
    for (at.first = 0; at.first + 48 <= at.shape->m; at.first += 48, weights += 48 * row)
        rows_of_column(8, weights, &at);
    for (; at.first + 6 <= at.shape->m; at.first += 6, weights += 6 * row)
        rows_of_column(1, weights, &at);
}

static void rows(const ssc_rows *shape, const float *weights, const float *x, const float *addend, float *y)
{
    const size_t row = (size_t)shape->k + 1;
    const int work = (shape->add ? ADDS : 0) | (shape->low >= -FLT_MAX ? HAS_LOW : 0) |
                     (shape->high <= FLT_MAX ? HAS_HIGH : 0) | (shape->masks ? MASKS : 0);
    const int32_t m = shape->m;
    int32_t sixes = m - m % 6; /* rows in blocks of 6 */
#ifdef VECTORS_9
    const int nine = sixes && m - sixes >= 3 && shape->n > LANES;
    sixes -= nine ? 6 : 0;
#endif
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
            if (shape->n == 1)
                rows_column(weights, at);
            else
                rows_blocks_of_6(sixes, width, weights, at);
            at.first = sixes;
            const float *w = weights + (size_t)at.first * row;
#ifdef VECTORS_9
            if (nine) { /* the last 6 rows and the 3 behind them load each input once */
                rows_block(9, 6, VECTORS_9, width, w, at);
                at.first += 9;
                w += 9 * row;
            }
#endif
            for (; at.first + 3 <= m; at.first += 3, w += 3 * row)
                rows_block(3, 3, VECTORS_3, width, w, at);
            for (; at.first < m; at.first++, w += row)
                rows_block(1, 1, VECTORS_1, width, w, at);
        }
}
