// SPDX-License-Identifier: MIT
// Arithmetic that nothing slows down: the most that a device can do, for `tern devices --measure`.
//
// One work-item: 12 independent chains of `rounds` multiply-adds, each over one vector; work-groups share nothing. The
// results are stored so that the compiler cannot leave them out.
#if TERN_CPU_DEVICE
typedef float16 chain_t;
#define TOTAL(v) ((v).s0 + (v).sf)
#else
typedef float chain_t;
#define TOTAL(v) (v)
#endif
#define CHAINS 12

__kernel void multiply_add(__global float *y, long rounds) {
  chain_t sums[CHAINS];
  for (int k = 0; k < CHAINS; k++) sums[k] = (chain_t)(k + (int)get_global_id(0));
  for (long round = 0; round < rounds; round++) {
#pragma unroll
    for (int k = 0; k < CHAINS; k++) sums[k] = fma(sums[k], (chain_t)0.5f, (chain_t)0.25f);
  }
  float total = 0;
  for (int k = 0; k < CHAINS; k++) total += TOTAL(sums[k]);
  y[get_global_id(0)] = total;
}
