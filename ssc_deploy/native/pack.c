/* Weights of linear rows, in the order in which every instruction set reads them. */
#include "sets.h"

void ssc_rows_pack(int32_t m, int32_t k, const float *weights, const float *bias, float *packed)
{
    int32_t first = 0;
    while (first < m) {
        const int32_t height = ssc_block_of(m - first);
        for (int32_t r = 0; r < height; r++)
            *packed++ = bias[first + r];
        for (int32_t j = 0; j < k; j++)
            for (int32_t r = 0; r < height; r++)
                *packed++ = weights[(ptrdiff_t)(first + r) * k + j];
        first += height;
    }
}
