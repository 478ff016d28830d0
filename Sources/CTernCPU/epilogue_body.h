// SPDX-License-Identifier: MIT
//
// What happens to sums between the registers and their store.

/// Activates `count` floats in place, by one of TERN_ACTIVATION_*; activation.c defines it for all families.
void TERN_VARIANT(activate)(float *x, ptrdiff_t count, int32_t activation);

typedef int32_t TERN_VARIANT(words) __attribute__((ext_vector_type(TERN_VECTOR_BYTES / 4)));

/// `max(x, 0)` with the bits of `tern_relu`: NaN stays NaN, and -0 becomes 0.
INLINE VECTOR TERN_VARIANT(relu)(VECTOR x) {
  return (VECTOR)((TERN_VARIANT(words))x & ~(TERN_VARIANT(words))(x <= TERN_VARIANT(splat)(0)));
}

enum { TERN_VARIANT(most_sums) = 32 };

/// Activates a tile of sums: the rectifier in registers, where it costs next to nothing, the others on the stack.
/// `count` is a constant where this is inlined.
INLINE void TERN_VARIANT(activate_sums)(VECTOR *sums, const int count, int32_t activation) {
  if (activation == TERN_ACTIVATION_NONE) return;
  if (activation == TERN_ACTIVATION_RELU) {
#pragma clang loop unroll(full)
    for (int i = 0; i < count; i++) sums[i] = TERN_VARIANT(relu)(sums[i]);
    return;
  }
  VECTOR spilled[TERN_VARIANT(most_sums)];  // the sums themselves would leave the registers if they had an address
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i++) spilled[i] = sums[i];
  TERN_VARIANT(activate)((float *)spilled, count * LANES, activation);
#pragma clang loop unroll(full)
  for (int i = 0; i < count; i++) sums[i] = spilled[i];
}
