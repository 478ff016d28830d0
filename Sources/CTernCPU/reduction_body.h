// SPDX-License-Identifier: MIT
// Each fold once for floats and once for 64-bit integers: FOLD_START, FOLD_STEP(accumulator, element) and
// FOLD_JOIN(accumulator, accumulator) say what it does.

#define FOLD_ADD(a, b) ((a) + (b))
#define FOLD_MULTIPLY(a, b) ((a) * (b))
#define FOLD_ADD_SQUARE(a, x) ((a) + (x) * (x))
#define FOLD_ADD_EXPONENTIAL(a, x) ((a) + tern_exp((x) - shift))

#define FOLD_TYPE float
#define FOLD_SUFFIX float

#define FOLD_NAME sum
#define FOLD_START 0
#define FOLD_STEP FOLD_ADD
#define FOLD_JOIN FOLD_ADD
#include "fold_body.h"

#define FOLD_NAME product
#define FOLD_START 1
#define FOLD_STEP FOLD_MULTIPLY
#define FOLD_JOIN FOLD_MULTIPLY
#include "fold_body.h"

#define FOLD_NAME max
#define FOLD_START (-TERN_INFINITY)
#define FOLD_STEP tern_max
#define FOLD_JOIN tern_max
#include "fold_body.h"

#define FOLD_NAME min
#define FOLD_START TERN_INFINITY
#define FOLD_STEP tern_min
#define FOLD_JOIN tern_min
#include "fold_body.h"

#define FOLD_NAME sum_of_squares
#define FOLD_START 0
#define FOLD_STEP FOLD_ADD_SQUARE
#define FOLD_JOIN FOLD_ADD
#include "fold_body.h"

#define FOLD_NAME sum_of_exponentials
#define FOLD_START 0
#define FOLD_STEP FOLD_ADD_EXPONENTIAL
#define FOLD_JOIN FOLD_ADD
#define FOLD_IS_SHIFTED
#include "fold_body.h"
#undef FOLD_IS_SHIFTED

#undef FOLD_TYPE
#undef FOLD_SUFFIX

// Unsigned, so that overflow wraps; comparisons look at the sign.
#define FOLD_INT_MAX(a, b) ((tern_int)(a) > (tern_int)(b) ? (a) : (b))
#define FOLD_INT_MIN(a, b) ((tern_int)(a) < (tern_int)(b) ? (a) : (b))
#define FOLD_TYPE tern_uint
#define FOLD_SUFFIX int

#define FOLD_NAME sum
#define FOLD_START 0
#define FOLD_STEP FOLD_ADD
#define FOLD_JOIN FOLD_ADD
#include "fold_body.h"

#define FOLD_NAME product
#define FOLD_START 1
#define FOLD_STEP FOLD_MULTIPLY
#define FOLD_JOIN FOLD_MULTIPLY
#include "fold_body.h"

#define FOLD_NAME max
#define FOLD_START ((tern_uint)INT64_MIN)
#define FOLD_STEP FOLD_INT_MAX
#define FOLD_JOIN FOLD_INT_MAX
#include "fold_body.h"

#define FOLD_NAME min
#define FOLD_START ((tern_uint)INT64_MAX)
#define FOLD_STEP FOLD_INT_MIN
#define FOLD_JOIN FOLD_INT_MIN
#include "fold_body.h"

#define FOLD_NAME sum_of_squares
#define FOLD_START 0
#define FOLD_STEP FOLD_ADD_SQUARE
#define FOLD_JOIN FOLD_ADD
#include "fold_body.h"

#undef FOLD_TYPE
#undef FOLD_SUFFIX

/// Positions of extremes; `better` compares, and a NaN beats all but an earlier NaN.
#define TERN_EXTREME(name, type, position, better)                                                             \
  static void TERN_VARIANT(name)(                                                                              \
      const void *x, size_t n, ptrdiff_t stride, size_t columns, int64_t *positions) {                         \
    const type *row = x;                                                                                       \
    if (columns == 1) {                                                                                        \
      type best = *row;                                                                                        \
      int64_t found = 0;                                                                                       \
      if (stride == 1) {                                                                                       \
        /* The value first, in lanes; then its first position, where the loop stops. */                        \
        TERN_ALIGNED type lanes[64];                                                                           \
        for (size_t j = 0; j < 64; j++) lanes[j] = best;                                                       \
        for (size_t i = 0; i + 64 <= n; i += 64)                                                               \
          for (size_t j = 0; j < 64; j++) lanes[j] = better(row[i + j], lanes[j]) ? row[i + j] : lanes[j];     \
        for (size_t i = n & ~(size_t)63; i < n; i++) lanes[0] = better(row[i], lanes[0]) ? row[i] : lanes[0];  \
        for (size_t j = 0; j < 64; j++) best = better(lanes[j], best) ? lanes[j] : best;                       \
        while (!(row[found] == best || (best != best && row[found] != row[found]))) found++;                   \
      } else {                                                                                                 \
        for (size_t i = 1; i < n; i++) {                                                                       \
          const type value = row[(ptrdiff_t)i * stride];                                                       \
          if (better(value, best)) best = value, found = (int64_t)i;                                           \
        }                                                                                                      \
      }                                                                                                        \
      *positions = found;                                                                                      \
      return;                                                                                                  \
    }                                                                                                          \
    TERN_ALIGNED type best[TERN_FOLD_COLUMNS];                                                                 \
    position where[TERN_FOLD_COLUMNS];                                                                         \
    for (size_t j = 0; j < columns; j++) best[j] = row[j], where[j] = 0;                                       \
    for (size_t i = 1; i < n; i++) {                                                                           \
      row += stride;                                                                                           \
      for (size_t j = 0; j < columns; j++) {                                                                   \
        const int take = better(row[j], best[j]);                                                              \
        best[j] = take ? row[j] : best[j];                                                                     \
        where[j] = take ? (position)i : where[j];                                                              \
      }                                                                                                        \
    }                                                                                                          \
    for (size_t j = 0; j < columns; j++) positions[j] = (int64_t)where[j];                                     \
  }

#define EXTREME_GREATER(x, best) (((x) > (best)) | (((x) != (x)) & ((best) == (best))))
#define EXTREME_LESS(x, best) (((x) < (best)) | (((x) != (x)) & ((best) == (best))))
// 32-bit positions keep the lanes of floats together; an axis of floats has fewer than 2^32 elements.
TERN_EXTREME(largest, float, uint32_t, EXTREME_GREATER)
TERN_EXTREME(smallest, float, uint32_t, EXTREME_LESS)
#define EXTREME_INT_GREATER(x, best) ((x) > (best))
#define EXTREME_INT_LESS(x, best) ((x) < (best))
TERN_EXTREME(largest_int, tern_int, int64_t, EXTREME_INT_GREATER)
TERN_EXTREME(smallest_int, tern_int, int64_t, EXTREME_INT_LESS)

static void TERN_VARIANT(finish_log_sum)(const float *sums, const float *shifts, float *y, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = tern_log(sums[i]) + shifts[i];
}

static int32_t TERN_VARIANT(has_not_finite_32)(const uint32_t *x, size_t n) {
  uint32_t found = 0;
  for (size_t i = 0; i < n; i++) found |= (x[i] & 0x7F800000u) == 0x7F800000u;
  return (int32_t)found;
}

static int32_t TERN_VARIANT(has_not_finite_16)(const uint16_t *x, size_t n, uint16_t exponent) {
  uint16_t found = 0;
  for (size_t i = 0; i < n; i++) found |= (x[i] & exponent) == exponent;
  return found;
}

#define FOLD_TABLE(form)                                                                                              \
  {[TERN_SUM] = TERN_VARIANT(form##_sum_float),           [TERN_MEAN] = TERN_VARIANT(form##_sum_float),               \
   [TERN_PRODUCT] = TERN_VARIANT(form##_product_float),   [TERN_MAX] = TERN_VARIANT(form##_max_float),                \
   [TERN_MIN] = TERN_VARIANT(form##_min_float),                                                                       \
   [TERN_SUM_OF_SQUARES] = TERN_VARIANT(form##_sum_of_squares_float),                                                 \
   [TERN_SUM_OF_EXPONENTIALS] = TERN_VARIANT(form##_sum_of_exponentials_float)}
#define FOLD_TABLE_INT(form)                                                                                          \
  {[TERN_SUM] = TERN_VARIANT(form##_sum_int),             [TERN_MEAN] = TERN_VARIANT(form##_sum_int),                 \
   [TERN_PRODUCT] = TERN_VARIANT(form##_product_int),     [TERN_MAX] = TERN_VARIANT(form##_max_int),                  \
   [TERN_MIN] = TERN_VARIANT(form##_min_int),                                                                         \
   [TERN_SUM_OF_SQUARES] = TERN_VARIANT(form##_sum_of_squares_int)}

static const struct tern_reduction_functions TERN_VARIANT(reduction_table) = {
    .rows = FOLD_TABLE(rows),
    .rows_int = FOLD_TABLE_INT(rows),
    .columns = FOLD_TABLE(columns),
    .columns_int = FOLD_TABLE_INT(columns),
    .largest = TERN_VARIANT(largest),
    .smallest = TERN_VARIANT(smallest),
    .largest_int = TERN_VARIANT(largest_int),
    .smallest_int = TERN_VARIANT(smallest_int),
    .finish_log_sum = TERN_VARIANT(finish_log_sum),
    .has_not_finite_32 = TERN_VARIANT(has_not_finite_32),
    .has_not_finite_16 = TERN_VARIANT(has_not_finite_16),
};

#undef FOLD_ADD
#undef FOLD_MULTIPLY
#undef FOLD_ADD_SQUARE
#undef FOLD_ADD_EXPONENTIAL
#undef FOLD_INT_MAX
#undef FOLD_INT_MIN
#undef FOLD_TABLE
#undef FOLD_TABLE_INT
#undef TERN_EXTREME
#undef EXTREME_GREATER
#undef EXTREME_LESS
#undef EXTREME_INT_GREATER
#undef EXTREME_INT_LESS
