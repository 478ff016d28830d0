// SPDX-License-Identifier: MIT
#ifndef TERN_REDUCTION_H
#define TERN_REDUCTION_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// What is folded; the codes of the first seven are those of `Reduction`.
enum {
  TERN_SUM,
  TERN_MEAN,  ///< folded as a sum; whoever finishes it divides
  TERN_PRODUCT,
  TERN_MAX,
  TERN_MIN,
  TERN_SUM_OF_EXPONENTIALS,  ///< sum of exp(x - shift), where the shift stands in the result on entry
  TERN_SUM_OF_SQUARES,
  TERN_FOLD_COUNT,
};

/// Rows of elements in memory: `outer` groups of `inner` rows.
typedef struct tern_rows {
  const void *base;
  ptrdiff_t inner_stride, outer_stride;  ///< elements from one row to the next, from one group to the next
  size_t inner, outer;
} tern_rows;

/// Folds all elements of all rows of length `n` into `*result`.
typedef void (*tern_fold_rows)(const tern_rows *rows, size_t n, void *result);
/// Folds the rows elementwise into `result[0 ..< n]`.
typedef void (*tern_fold_columns)(const tern_rows *rows, size_t n, void *result);

/// Position of the first extreme value of `n` elements a stride apart, for `columns` neighbouring ones at once; NaN is
/// the most extreme. Columns at most TERN_FOLD_COLUMNS.
typedef void (*tern_extreme)(const void *x, size_t n, ptrdiff_t stride, size_t columns, int64_t *positions);

enum { TERN_FOLD_COLUMNS = 256 };

/// Sums run over 64 lanes for at most 64 elements each, and the sums of such blocks in a tree, so that errors grow with
/// the logarithm of the count; the order depends on the counts only, and is the same for every instruction set.
struct tern_reduction_functions {
  tern_fold_rows rows[TERN_FOLD_COUNT], rows_int[TERN_FOLD_COUNT];
  tern_fold_columns columns[TERN_FOLD_COUNT], columns_int[TERN_FOLD_COUNT];
  tern_extreme largest, smallest, largest_int, smallest_int;
  /// `y[i] = log(sums[i]) + shifts[i]`.
  void (*finish_log_sum)(const float *sums, const float *shifts, float *y, size_t n);
  /// Whether one of `n` numbers is infinite or NaN: has all bits of its exponent set.
  int32_t (*has_not_finite_32)(const uint32_t *x, size_t n);
  int32_t (*has_not_finite_16)(const uint16_t *x, size_t n, uint16_t exponent);
};

/// The fold of a code from the table for floats or integers; null for a code that integers lack.
static inline tern_fold_rows tern_rows_fold(const struct tern_reduction_functions *table, int32_t code, _Bool is_int) {
  return is_int ? table->rows_int[code] : table->rows[code];
}
static inline tern_fold_columns tern_columns_fold(
    const struct tern_reduction_functions *table, int32_t code, _Bool is_int) {
  return is_int ? table->columns_int[code] : table->columns[code];
}

const struct tern_reduction_functions *tern_reduction(void);
const struct tern_reduction_functions *tern_reduction_functions_for(tern_isa isa);

#endif
