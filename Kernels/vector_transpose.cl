// SPDX-License-Identifier: MIT
// A block of VEC vectors, transposed in registers.
#include "vector.cl"

// The lower, and the upper halves of two vectors, interleaved; element by element, as prelude.cl says.
#define PAIR(a, b, i) (a).i, (b).i
#define PAIRS(a, b, i, j) PAIR(a, b, i), PAIR(a, b, j)
#if VEC == 16
#define ZIP_LOW(a, b) (vec)(PAIRS(a, b, s0, s1), PAIRS(a, b, s2, s3), PAIRS(a, b, s4, s5), PAIRS(a, b, s6, s7))
#define ZIP_HIGH(a, b) (vec)(PAIRS(a, b, s8, s9), PAIRS(a, b, sa, sb), PAIRS(a, b, sc, sd), PAIRS(a, b, se, sf))
#elif VEC == 8
#define ZIP_LOW(a, b) (vec)(PAIRS(a, b, s0, s1), PAIRS(a, b, s2, s3))
#define ZIP_HIGH(a, b) (vec)(PAIRS(a, b, s4, s5), PAIRS(a, b, s6, s7))
#else
#define ZIP_LOW(a, b) (vec)(PAIRS(a, b, s0, s1))
#define ZIP_HIGH(a, b) (vec)(PAIRS(a, b, s2, s3))
#endif

/// Transposes VEC x VEC elements: log2(VEC) rounds, each of which interleaves row i with row i + VEC / 2.
static inline void transpose(vec *r) {
  vec t[VEC];
#pragma unroll
  for (int span = 1; span < VEC; span *= 2) {
#pragma unroll
    for (int i = 0; i < VEC / 2; i++) {
      t[2 * i] = ZIP_LOW(r[i], r[i + VEC / 2]);
      t[2 * i + 1] = ZIP_HIGH(r[i], r[i + VEC / 2]);
    }
#pragma unroll
    for (int i = 0; i < VEC; i++) r[i] = t[i];
  }
}
