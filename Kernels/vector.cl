// SPDX-License-Identifier: MIT
// Vectors for devices of type CPU, where each work-item is a work-group of its own.
//
// Definition: VEC, floats in a vector register: 16, 8 or 4.
#ifndef VEC
#define VEC 16
#endif

typedef TERN_JOIN(float, VEC) vec;
#define LOAD_VEC(p) TERN_JOIN(vload, VEC)(0, p)
#define STORE_VEC(v, p) TERN_JOIN(vstore, VEC)(v, 0, p)
#define GROUP_OF_ONE __attribute__((reqd_work_group_size(1, 1, 1)))

// Before a loop over whole vectors, element by element and independent, that is to become vector code.
#if VEC == 16
#define LANES_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
#elif VEC == 8
#define LANES_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(1)")
#else
#define LANES_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(1)")
#endif

/// The sum of the elements, by halves.
static inline float sum_of(vec v) {
  float lanes[VEC];
  STORE_VEC(v, lanes);
#pragma unroll
  for (int span = VEC / 2; span > 0; span /= 2)
#pragma unroll
    for (int i = 0; i < span; i++) lanes[i] += lanes[i + span];
  return lanes[0];
}
