// SPDX-License-Identifier: MIT
#ifndef TERN_SCAN_H
#define TERN_SCAN_H
#include <stddef.h>
#include <stdint.h>

#include "tern_isa.h"

/// Neighbouring lines that one call scans at most.
enum { TERN_SCAN_COLUMNS = 64 };

/// Running results of `n` elements, `stride` apart, of `columns` neighbouring lines at once.
///
/// `before` holds what comes before the first element for each column, and afterwards what comes before the next one.
/// Without `y` only that is computed. Results are made of those of blocks, so that errors do not grow with `n`.
struct tern_scan_functions {
  void (*sum)(const float *x, float *y, size_t n, ptrdiff_t stride, size_t columns, float *before);
  void (*product)(const float *x, float *y, size_t n, ptrdiff_t stride, size_t columns, float *before);
  void (*sum_int)(const int64_t *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t *before);
  void (*product_int)(const int64_t *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t *before);
  /// Positions of running extremes. Positions count from `first`; `places` belongs to `before`, -1 where nothing
  /// comes before.
  void (*largest)(
      const float *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t first, float *before,
      int64_t *places);
  void (*smallest)(
      const float *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t first, float *before,
      int64_t *places);
  void (*largest_int)(
      const int64_t *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t first, int64_t *before,
      int64_t *places);
  void (*smallest_int)(
      const int64_t *x, int64_t *y, size_t n, ptrdiff_t stride, size_t columns, int64_t first, int64_t *before,
      int64_t *places);
};

const struct tern_scan_functions *tern_scan(void);
const struct tern_scan_functions *tern_scan_functions_for(tern_isa isa);

#endif
