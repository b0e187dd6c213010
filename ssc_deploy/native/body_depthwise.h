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

/* One register tile: N vectors of `count` results, whose inputs are x_step floats apart and whose results y_step.
 * `stride` is 1 or 2, or 0 for that of the shape. */
SSC_INLINE void depthwise_tile(const int N, const int stride, const int partial, const ssc_depthwise *shape,
                               const float *weights, const float *x, ptrdiff_t x_step, float *y, ptrdiff_t y_step,
                               int32_t count)
{
    vec sum[4];
    const vec bias = vec_splat(weights);
    SSC_UNROLL for (int v = 0; v < N; v++) sum[v] = bias;
    SSC_ROLLED for (int32_t t = 0; t < shape->taps; t++)
    {
        const vec w = vec_splat(weights + 1 + t);
        const float *input = x + shape->tap[t];
        SSC_UNROLL for (int v = 0; v < N; v++)
        {
            const float *p = input + v * x_step;
            vec value;
            if (stride == 1)
                value = load_last(partial, p, count);
            else if (stride == 2)
                value = partial ? vec_load_every_other_part(p, count) : vec_load_every_other(p);
            else
                value = load_strided(p, shape->stride, count);
            sum[v] = vec_fma(w, value, sum[v]);
        }
    }
    const vec low = vec_splat(&shape->low), high = vec_splat(&shape->high);
    SSC_UNROLL for (int v = 0; v < N; v++)
    {
        const vec result = vec_at_most(vec_at_least(sum[v], low), high);
        if (partial)
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
            depthwise_tile(4, stride, 0, shape, weights, x + i * x_row + j * across, LANES * across,
                           y + i * y_row + j, LANES, LANES);
    for (int32_t j = wide; j < columns; j += LANES) {
        const float *input = x + j * across;
        float *result = y + j;
        int32_t i = 0;
        if (j < full)
            for (; i + 4 <= rows; i += 4)
                depthwise_tile(4, stride, 0, shape, weights, input + i * x_row, x_row, result + i * y_row, y_row,
                               LANES);
        else
            for (; i + 4 <= rows; i += 4)
                depthwise_tile(4, stride, 1, shape, weights, input + i * x_row, x_row, result + i * y_row, y_row,
                               columns - full);
        for (; i < rows; i++)
            depthwise_tile(1, stride, 1, shape, weights, input + i * x_row, x_row, result + i * y_row, y_row,
                           j < full ? LANES : columns - full);
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
