/* What the files of the kernels share, and no user of them needs. */
#ifndef SSC_SETS_H
#define SSC_SETS_H

#include "kernels.h"

/* Instruction sets that this build can have. Each file of a set turns the set on for its own functions, so that all
 * files are compiled with one command, and none of the set's instructions stand outside its file. */
#if defined(__GNUC__) || defined(__clang__)
#if defined(__x86_64__)
#define SSC_BUILD_X86 1
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define SSC_BUILD_NEON 1
#endif
#define SSC_INLINE static inline __attribute__((always_inline))
#endif

/* Before a loop whose count is known when it is compiled: its body is written out, so that arrays of vectors become
 * registers. Before a loop over products: it stays a loop. */
#if defined(__clang__)
#define SSC_UNROLL _Pragma("clang loop unroll(full)")
#define SSC_ROLLED _Pragma("clang loop unroll(disable)")
#elif defined(__GNUC__)
#define SSC_UNROLL _Pragma("GCC unroll 32")
#define SSC_ROLLED _Pragma("GCC unroll 1")
#endif

extern const ssc_kernels ssc_scalar_kernels;
extern const ssc_kernels ssc_neon_kernels;
extern const ssc_kernels ssc_avx2_kernels;
extern const ssc_kernels ssc_avx512_kernels;

/* The rows of the next block of packed weights, where `left` rows are left. */
static inline int32_t ssc_block_of(int32_t left) { return left >= 6 ? 6 : left >= 3 ? 3 : 1; }

#endif
