/* Depthwise convolution (see ssc_depthwise in kernels.h) on vectors. A file of an instruction set includes this text
 * once, after the names that body_rows.h asks for and vec_load_every_other.
 *
 * A register tile is four vectors of results: of one row where a row has as many, else of one vector in each of four
 * rows, so that four chains of additions run beside each other also on small planes.
 */

/* Lane l of the vector: p[l * stride], for the first `count` lanes, and 0 in the others. */
SSC_INLINE vec load_strided(const float *p, int32_t stride, int32_t count)
{
    float lane[LANES] = {0};
    for (int32_t l = 0; l < count; l++)
        lane[l] = p[(ptrdiff_t)l * stride];
    return vec_load(lane);
}

/* The first vectors of a register tile that are whole: none, all, or all but the last. */
enum { NONE = 0, ALL = 4, BUT_ONE = 3 };

/* Adds one tap to the sums of a register tile; see depthwise_tile. */
SSC_INLINE void depthwise_tap(const int N, const int stride, const int whole, int32_t any_stride, const float *weight,
                              const float *input, ptrdiff_t x_step, int32_t count, vec sum[4])
{
    const vec w = vec_splat(weight);
    SSC_UNROLL for (int v = 0; v < N; v++)
    {
        const int partial = whole == NONE || (whole == BUT_ONE && v == N - 1);
        const float *p = input + v * x_step;
        vec value;
        if (stride == 1)
            value = load_last(partial, p, count);
        else if (stride == 2)
            value = partial ? vec_load_every_other_part(p, count) : vec_load_every_other(p);
        else
            value = load_strided(p, any_stride, partial ? count : LANES);
        sum[v] = vec_fma(w, value, sum[v]);
    }
}

/* One register tile: N vectors, whose inputs are x_step floats apart and whose results y_step. Those that are not whole
 * have `count` results. `stride` is 1 or 2, or 0 for that of the shape. */
SSC_INLINE void depthwise_tile(const int N, const int stride, const int whole, const ssc_depthwise *shape,
                               const float *weights, const float *x, ptrdiff_t x_step, float *y, ptrdiff_t y_step,
                               int32_t count)
{
    vec sum[4];
    const vec bias = vec_splat(weights);
    const int32_t *tap = shape->tap;
    SSC_UNROLL for (int v = 0; v < N; v++) sum[v] = bias;
    if (stride && shape->taps == 9) { /* 3x3, the usual window */
        SSC_UNROLL for (int t = 0; t < 9; t++)
            depthwise_tap(N, stride, whole, stride, weights + 1 + t, x + tap[t], x_step, count, sum);
    } else {
        SSC_ROLLED for (int32_t t = 0; t < shape->taps; t++)
            depthwise_tap(N, stride, whole, shape->stride, weights + 1 + t, x + tap[t], x_step, count, sum);
    }
    const vec low = vec_splat(&shape->low), high = vec_splat(&shape->high);
    SSC_UNROLL for (int v = 0; v < N; v++)
    {
        const vec result = vec_at_most(vec_at_least(sum[v], low), high);
        if (whole == NONE || (whole == BUT_ONE && v == N - 1))
            vec_store_part(y + v * y_step, result, count);
        else
            vec_store(y + v * y_step, result);
    }
}

SSC_INLINE void depthwise_plane(const int stride, const ssc_depthwise *shape, const float *weights, const float *x,
                                float *y)
{
    const ptrdiff_t across = stride ? stride : shape->stride;
    const ptrdiff_t x_row = shape->stride * (ptrdiff_t)shape->x_pitch, y_row = shape->y_pitch;
    const int32_t columns = shape->columns, rows = shape->rows;
    const int32_t wide = columns - columns % (4 * LANES); /* the columns of tiles of one row */
    const int32_t full = columns - columns % LANES;
    for (int32_t i = 0; i < rows; i++)
        for (int32_t j = 0; j < wide; j += 4 * LANES)
            depthwise_tile(4, stride, ALL, shape, weights, x + i * x_row + j * across, LANES * across,
                           y + i * y_row + j, LANES, LANES);
    int32_t i = 0;
    for (; i + 4 <= rows; i += 4)
        for (int32_t j = wide; j < columns; j += LANES) {
            const float *input = x + i * x_row + j * across;
            float *result = y + i * y_row + j;
            if (j < full)
                depthwise_tile(4, stride, ALL, shape, weights, input, x_row, result, y_row, LANES);
            else
                depthwise_tile(4, stride, NONE, shape, weights, input, x_row, result, y_row, columns - full);
        }
    if (wide < columns)
        for (; i < rows; i++) { /* what is left of a row as one tile */
            const float *input = x + i * x_row + wide * across;
            float *result = y + i * y_row + wide;
            const int32_t vectors = (columns - wide + LANES - 1) / LANES, count = columns - wide - (vectors - 1) * LANES;
            if (vectors == 4)
                depthwise_tile(4, stride, BUT_ONE, shape, weights, input, LANES * across, result, LANES, count);
            else if (vectors == 3)
                depthwise_tile(3, stride, BUT_ONE, shape, weights, input, LANES * across, result, LANES, count);
            else if (vectors == 2)
                depthwise_tile(2, stride, BUT_ONE, shape, weights, input, LANES * across, result, LANES, count);
            else
                depthwise_tile(1, stride, BUT_ONE, shape, weights, input, LANES * across, result, LANES, count);
        }
}

static void depthwise(const ssc_depthwise *shape, const float *weights, const float *x, float *y)
{
    for (int32_t c = 0; c < shape->channels; c++, weights += shape->taps + 1) {
        const float *plane = x + shape->in[c];
        float *result = y + shape->out[c];
        if (shape->stride == 1)
            depthwise_plane(1, shape, weights, plane, result);
        else if (shape->stride == 2)
            depthwise_plane(2, shape, weights, plane, result);
        else
            depthwise_plane(0, shape, weights, plane, result);
    }
}
