// SPDX-License-Identifier: MIT
//
// The activations of all that is summed (products, convolutions), a run of floats at a time.

#include "vector_body.h"
#include "epilogue_body.h"

// Before a loop whose count is a multiple of LANES: vector code of the full width.
#if TERN_VECTOR_BYTES == 64
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(16) interleave_count(1)")
#elif TERN_VECTOR_BYTES == 32
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(8) interleave_count(1)")
#else
#define VECTOR_LOOP _Pragma("clang loop vectorize(assume_safety) vectorize_width(4) interleave_count(1)")
#endif

/// `count` is a multiple of LANES: nothing is left over for a loop over single floats.
static void TERN_VARIANT(activate_vectors)(float *x, ptrdiff_t count, int32_t activation) {
#define ACTIVATE(CODE, FUNCTION)                                                                \
  case CODE:                                                                                    \
    VECTOR_LOOP for (ptrdiff_t i = 0; i < count; i++) x[i] = FUNCTION(x[i]);                    \
    break;
  switch (activation) {
    TERN_ACTIVATIONS(ACTIVATE)
  }
#undef ACTIVATE
#undef VECTOR_LOOP
}

void TERN_VARIANT(activate)(float *x, ptrdiff_t count, int32_t activation) {
  const ptrdiff_t whole = count / LANES * LANES;
  TERN_VARIANT(activate_vectors)(x, whole, activation);
  if (whole == count) return;
  TERN_ALIGNED float rest[LANES];
  TERN_VARIANT(write)(rest, TERN_VARIANT(load_first)(x + whole, count - whole));
  TERN_VARIANT(activate_vectors)(rest, LANES, activation);
  TERN_VARIANT(write_first)(x + whole, TERN_VARIANT(load)(rest), count - whole);
}
