// SPDX-License-Identifier: MIT
//
// Sums run in vectors; loops whose elements are independent are left to the compiler. What changes a loop (a rectifier,
// a residual) is a constant where the loop is inlined.

#include "vector_body.h"

#define NORM_LOOP _Pragma("clang loop vectorize(assume_safety)")

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
