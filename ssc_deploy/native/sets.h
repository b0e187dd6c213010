/* What the files of the kernels share, and no user of them needs. */
#ifndef SSC_SETS_H
#define SSC_SETS_H

#include "kernels.h"

extern const ssc_kernels ssc_scalar_kernels;

/* The rows of the next block of packed weights, where `left` rows are left. */
static inline int32_t ssc_block_of(int32_t left) { return left >= 6 ? 6 : left >= 3 ? 3 : 1; }

#endif
