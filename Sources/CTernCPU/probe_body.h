// SPDX-License-Identifier: MIT
// See tern_probe.h. Twelve chains hide the latency of four cycles on two units, and fit sixteen registers.

typedef float TERN_VARIANT(probe_vector) __attribute__((vector_size(TERN_VECTOR_BYTES)));
enum { TERN_VARIANT(probe_chains) = 12 };

static float TERN_VARIANT(multiply_add)(int64_t rounds) {
#pragma clang fp contract(fast)
  TERN_VARIANT(probe_vector) sums[TERN_VARIANT(probe_chains)];
  for (int k = 0; k < TERN_VARIANT(probe_chains); k++) sums[k] = (TERN_VARIANT(probe_vector)){0} + (float)k;
  for (int64_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
    for (int k = 0; k < TERN_VARIANT(probe_chains); k++) sums[k] = sums[k] * 0.5f + 0.25f;
  }
  float total = 0;
  for (int k = 0; k < TERN_VARIANT(probe_chains); k++) total += sums[k][0];
  return total;
}

static const struct tern_probe_functions TERN_VARIANT(probe_table) = {
    TERN_VARIANT(multiply_add), TERN_VARIANT(probe_chains), TERN_VECTOR_BYTES / 4};
