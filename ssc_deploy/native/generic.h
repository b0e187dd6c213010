/* Operators in plain C, without a kernel for each instruction set. They compute in double and round once, so that their
 * results are the same on every processor. */
#ifndef SSC_GENERIC_H
#define SSC_GENERIC_H

#include "steps.h"

void ssc_move(const ssc_box_step *step, const ssc_kernels *kernels, const int32_t *table, const float *x, float *y);
void ssc_fill(const ssc_box_step *step, float *y);
void ssc_map(const ssc_box_step *step, const ssc_kernels *kernels, const float *x, float *y);
void ssc_pairs(const ssc_box_step *step, const ssc_kernels *kernels, const float *a, const float *b, float *y);
void ssc_select(const ssc_box_step *step, const float *c, const float *a, const float *b, float *y);
void ssc_reduce(const ssc_reduce_step *step, const float *x, float *y);
void ssc_pool(const ssc_pool_step *step, const float *x, float *y);
void ssc_matmul(const ssc_matmul_step *step, const float *a, const float *b, float *y);
void ssc_sample(const ssc_sample_step *step, const int32_t *index, const float *weights, const float *x, float *y);

#endif
