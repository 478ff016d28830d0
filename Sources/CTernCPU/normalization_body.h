// SPDX-License-Identifier: MIT
//
// Sums run in vectors; loops whose elements are independent are left to the compiler. What changes a loop (a rectifier,
// a residual) is a constant where the loop is inlined.

#include "vector_body.h"

#define NORM_LOOP _Pragma("clang loop vectorize(assume_safety)")

/// Calls the macro `CASE` with three conditions as constants, so that each of the eight loops is compiled without them.
#define NORM_CHOOSE(CASE, a, b, c)                 \
  switch (((a) ? 4 : 0) + ((b) ? 2 : 0) + ((c) ? 1 : 0)) { \
    case 0: CASE(false, false, false); break;      \
    case 1: CASE(false, false, true); break;       \
    case 2: CASE(false, true, false); break;       \
    case 3: CASE(false, true, true); break;        \
    case 4: CASE(true, false, false); break;       \
    case 5: CASE(true, false, true); break;        \
    case 6: CASE(true, true, false); break;        \
    default: CASE(true, true, true);               \
  }

enum { TERN_VARIANT(norm_block) = 1024, TERN_VARIANT(norm_long_block) = 4096 };
#define NORM_BLOCK TERN_VARIANT(norm_block)
#define NORM_LONG_BLOCK TERN_VARIANT(norm_long_block)

#include "normalization_blocks_body.h"
#include "normalization_span_body.h"
#include "normalization_columns_body.h"
#include "normalization_rows_body.h"

static const struct tern_normalization_functions TERN_VARIANT(normalization_table) = {
    .moments = TERN_VARIANT(norm_moments),
    .normalize = TERN_VARIANT(norm_normalize),
    .gradient_sums = TERN_VARIANT(norm_gradient_sums),
    .input_gradient = TERN_VARIANT(norm_input_gradient),
    .column_moments = TERN_VARIANT(norm_column_moments),
    .column_normalize = TERN_VARIANT(norm_column_normalize),
    .column_gradient_sums = TERN_VARIANT(norm_column_gradient_sums),
    .column_input_gradient = TERN_VARIANT(norm_column_input_gradient),
    .rows = TERN_VARIANT(norm_rows),
    .rows_gradient = TERN_VARIANT(norm_rows_gradient),
    .join = TERN_VARIANT(norm_join),
};

#undef NORM_LOOP
#undef NORM_BLOCK
#undef NORM_LONG_BLOCK
#undef LANES
#undef VECTOR
#undef QUAD
#undef INLINE
